"""What survives: runs that are killed (more in tests/chaos), interrupted or meant twice, by the command line."""

import signal
from collections import Counter
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import get_client

from prefect_swarm.core.errors import RunHeld
from prefect_swarm.core.events import CheckpointSaved
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.state import ItemStatus, RunStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.slots import limit_of_run
from prefect_swarm.testing.fakeagent import most_at_once
from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project, kill
from prefect_swarm.testing.waiting import wait_for

RUN = ("run", "--agents", "agents", "--yes")
DIAMONDS = (
    Part("A", script=("--seconds", "0.2")),
    Part("B", needs=("A",), script=("--seconds", "0.4")),
    Part("C", needs=("A",), script=("--seconds", "0.3")),
    Part("D", needs=("B", "C"), script=("--seconds", "0.2", "--fail", "1"), retries=2),
    Part("E", needs=("D",), script=("--seconds", "0.4")),
    Part("F", needs=("D",), script=("--seconds", "0.3")),
    Part("G", needs=("E", "F"), script=("--seconds", "0.2")),
)


def test_a_run_goes_on_from_its_checkpoint_file(project: Project) -> None:
    """`swarm run --resume-checkpoint FILE` goes on with the killed run that the file is of."""
    project.write(*DIAMONDS)
    running = project.start(*RUN)
    wait_for(lambda: len(project.ledger()) >= 5, what="some finished agents")
    kill(running)
    done = {name for name, item in project.state().items.items() if item.status is ItemStatus.VERIFIED}
    before = Counter(line.item for line in project.ledger() if line.what == "start")
    (file,) = (project.folder / "checkpoints").glob("workflow_*.json")

    code = project.swarm("run", "--resume-checkpoint", str(file.relative_to(project.folder)))

    after = Counter(line.item for line in project.ledger() if line.what == "start")
    assert code == 0, project.output
    assert done
    assert all(before[item] == after[item] for item in done)


def test_every_third_completed_item_is_a_checkpoint(project: Project) -> None:
    """Checkpoints are numbered, made after every three completed items and at the end."""
    project.write(*DIAMONDS)

    project.swarm(*RUN)

    records = open_journal(project.settings).records(project.last_run())
    marks = [one.event for one in records if isinstance(one.event, CheckpointSaved)]
    assert [(mark.number, mark.completed) for mark in marks] == [(1, 3), (2, 6), (3, 7)]


def test_a_run_that_is_held_is_refused_naming_the_holder(project: Project) -> None:
    """A second executor of a living run leaves at once with exit code 75 and says who has it."""
    project.write(Part("A", script=("--seconds", "30")))
    running = project.start(*RUN)
    wait_for(project.ledger, what="the agent at work")

    code = project.swarm("resume", "last", timeout=20)

    assert code == 75
    assert f"process {running.pid}" in project.output
    running.send_signal(signal.SIGTERM)
    running.wait(30)


def test_interrupting_once_finishes_what_runs(project: Project) -> None:
    """After one Ctrl-C the agent at work ends normally, nothing new starts, and a resume does the rest."""
    project.write(Part("A", script=("--seconds", "1.5")), Part("B", needs=("A",)))
    running = project.start(*RUN)
    wait_for(project.ledger, what="the agent at work")

    running.send_signal(signal.SIGINT)

    assert running.wait(30) == 130, project.output
    assert [(line.what, line.item) for line in project.ledger()] == [("start", "A/a"), ("end", "A/a")]
    assert project.state().status is RunStatus.INTERRUPTED
    assert project.swarm("resume", "last") == 0
    assert Counter(line.item for line in project.ledger() if line.what == "start") == {"A/a": 1, "B/b": 1}


@pytest.mark.parametrize(
    "signals", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)], ids=["SIGTERM", "Ctrl-C twice"]
)
def test_ending_a_run_leaves_no_process_behind(project: Project, signals: tuple[signal.Signals, ...]) -> None:
    """SIGTERM, or a second Ctrl-C, ends agents and what they started, and leaves the run resumable."""
    project.write(Part("A", script=("--seconds", "60", "--children", "3", "--stubborn")))
    running = project.start(*RUN)
    wait_for(project.ledger, what="the agent at work")
    wait_for(lambda: len(_processes_of(project)) >= 4, what="its children")

    for number in signals:
        before = len(project.output)
        running.send_signal(number)
        wait_for(lambda: len(project.output) > before, what="an answer to the signal")  # noqa: B023 - called at once

    assert running.wait(30) == 130, project.output
    assert project.state().status is RunStatus.INTERRUPTED
    assert not _processes_of(project)


def test_agents_of_a_killed_run_are_ended_before_it_goes_on(project: Project) -> None:
    """A resume ends what the killed executor left working, so that no item is worked on twice at once."""
    endless_at_first = "test -e begun && exec touch A.txt; echo $$ > begun; exec sleep 3600"
    project.write(Part("A", argv=("sh", "-c", endless_at_first)))
    running = project.start(*RUN)
    begun = project.folder / "begun"
    orphan = int(wait_for(lambda: begun.read_text() if begun.exists() else "", what="the agent at work"))
    kill(running)
    assert psutil.pid_exists(orphan)

    code = project.swarm("resume", "last")

    assert code == 0, project.output
    assert not psutil.pid_exists(orphan)


def _processes_of(project: Project) -> list[psutil.Process]:
    """Find the processes that carry the marker of the newest run."""
    run_id = project.last_run()
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if environment.get("SWARM_RUN") == run_id and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_an_executor_that_was_taken_over_leaves_and_ends_its_agents(project: Project) -> None:
    """Whoever has lost the run's lease writes nothing more, ends its agents, and exits with 75."""
    project.environment = {**project.environment, "SWARM_LEASE_SECONDS": "1"}
    project.write(Part("A", script=("--seconds", "60")))
    running = project.start(*RUN)
    wait_for(project.ledger, what="the agent at work")
    journal, run_id = open_journal(project.settings), project.last_run()
    running.send_signal(signal.SIGSTOP)

    epoch = wait_for(lambda: _taken(journal, run_id), what="the lease of a silent holder") or 0
    running.send_signal(signal.SIGCONT)

    assert running.wait(30) == 75, project.output
    assert not _processes_of(project)
    assert project.state().items[ItemId("A/a")].status is ItemStatus.RUNNING  # the last that counted
    journal.release_lease(run_id, epoch)


def _taken(journal: Journal, run_id: RunId) -> int | None:
    try:
        return journal.take_lease(run_id, period=1.0)
    except RunHeld:
        return None


def test_the_limit_of_a_run_is_held_by_its_attempts_and_goes_with_it(project: Project) -> None:
    """While an agent works it holds a slot of the run's limit in Prefect; when the run is left the limit is gone."""
    project.write(Part("A", script=("--seconds", "60")))
    running = project.start(*RUN, "--max-parallel", "2")
    wait_for(project.ledger, what="the agent at work")
    name = limit_of_run(project.last_run())

    with get_client(sync_client=True) as client:
        limit = client.read_global_concurrency_limit_by_name(name)
        running.send_signal(signal.SIGTERM)
        running.wait(30)
        left = [one.name for one in client.read_global_concurrency_limits(limit=200, offset=0)]

    assert (limit.limit, limit.active_slots) == (2, 1)
    assert name not in left


def test_two_runs_together_keep_to_a_limit_they_share(project: Project, tmp_path: Path) -> None:
    """Two runs in two processes never have more agents at work than the limit `swarm` of the server allows."""
    project.write(*(Part(f"P{n}", script=("--seconds", "0.3")) for n in range(4)))
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name("swarm", 2)

        both = [project.start(*RUN, "--output-dir", str(tmp_path / name)) for name in ("one", "two")]
        codes = [running.wait(90) for running in both]
        client.delete_global_concurrency_limit_by_name("swarm")

    assert codes == [0, 0], project.output
    assert most_at_once(project.ledger()) == 2
