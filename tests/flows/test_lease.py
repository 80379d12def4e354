"""One executor per run, from the first moment: who comes second leaves or waits, and a dead one is succeeded."""

import time
from collections import Counter

from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project, kill
from prefect_swarm.testing.waiting import wait_for

RUN = ("run", "--agents", "agents", "--yes")
AT_ONCE = 5.0
"""Seconds in which whoever finds the run held is gone."""


def test_of_four_that_resume_at_once_one_executes(project: Project) -> None:
    """After a kill -9 exactly one of four resumes completes the run; the others leave at once, naming it."""
    project.write(Part("A", script=("--seconds", "0.2")), Part("B", needs=("A",), script=("--seconds", "1")))
    first = project.start(*RUN)
    wait_for(lambda: _starts(project)["B/b"], what="the second agent at work")
    kill(first)

    begun = time.monotonic()
    racing = [project.start("resume", "last") for _ in range(4)]
    losers = wait_for(lambda: [one for one in racing if one.poll() == 75], lambda found: len(found) == 3, what="losers")
    took = time.monotonic() - begun
    (winner,) = set(racing) - set(losers)

    assert winner.wait(60) == 0, project.output
    assert took <= AT_ONCE
    assert project.output.count(f"process {winner.pid} on ") == 3
    assert _starts(project) == {"A/a": 1, "B/b": 2}  # B was at work when its executor was killed


def _starts(project: Project) -> Counter[str]:
    return Counter(line.item for line in project.ledger() if line.what == "start")
