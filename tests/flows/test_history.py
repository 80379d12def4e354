"""Going on otherwise than from the end: changed requirements, earlier checkpoints, new runs, and lost journals."""

import json
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from prefect_swarm.agents.planning import plan_file
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.planner import PlanOptions
from prefect_swarm.core.state import ItemStatus, RunState, RunStatus
from prefect_swarm.journal.history import read_history
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.engine import run_plan
from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project

RUN = RunId(f"run-{uuid4().hex[:8]}")
"""Of its own, since agents of a run are ended by its name, whichever process started them."""
A, B, C = Part("A"), Part("B", needs=("A",)), Part("C")


@pytest.fixture
def finished(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose run is completed, with a checkpoint after each item; executed here, since that is quick."""
    project.write(A, B, C)
    monkeypatch.chdir(project.folder)
    settings = project.settings.model_copy(update={"checkpoint_every": 1, "max_parallel": 1})
    plan = plan_file(Path("requirements.yaml"), Path("agents"), PlanOptions(settings=settings))
    state = run_plan(plan, RUN, settings=settings, output=project.folder)
    assert state.status is RunStatus.COMPLETED
    return project


def starts(project: Project) -> Counter[str]:
    """How often each item was begun, by the ledger that the engine never sees."""
    return Counter(line.item for line in project.ledger() if line.what == "start")


def state_of(project: Project, run_id: RunId) -> RunState:
    """Where a run of the project stands."""
    return open_journal(project.settings).state(run_id)


def told(project: Project) -> dict[str, tuple[str, str]]:
    """The last JSON document that `swarm resume --dry-run` wrote: item -> fate and reason."""
    document = json.loads(project.output[project.output.rindex('{\n  "run_id"') :])
    return {line["item"]: (line["fate"], line["why"]) for line in document["items"]}


def test_a_changed_requirement_runs_again_and_nothing_else(finished: Project) -> None:
    """After editing a file the dry run tells, and the resume does: the changed item, its dependents, the new one."""
    changed = Part("A", description="Make A, and make it well")
    finished.write(C, changed, B, Part("D"))  # C has moved to the top

    assert finished.swarm("resume", "--reuse", "--dry-run", "--json") == 0, finished.output
    forecast = told(finished)
    before = starts(finished)
    assert finished.swarm("resume", "--reuse") == 0, finished.output

    assert forecast == {
        "C/c": ("kept", forecast["C/c"][1]),
        "A/a": ("will run", "requirement changed: description"),
        "B/b": ("will run", "depends on A/a, which runs again"),
        "D/d": ("new", "new in the requirements"),
    }
    assert forecast["C/c"][1].startswith("verified at checkpoint ")
    assert before == {"A/a": 1, "B/b": 1, "C/c": 1}
    assert starts(finished) == {"A/a": 2, "B/b": 2, "C/c": 1, "D/d": 1}
    assert state_of(finished, RUN).status is RunStatus.COMPLETED


def test_a_run_goes_back_to_a_checkpoint_and_forks(finished: Project) -> None:
    """`--from 1` does anew what was done after it; `--fork` then makes a run that has nothing left to do."""
    first = read_history(open_journal(finished.settings), RUN)
    (kept,) = [one.id for one in first.at(first.mark(1)).state.items.values() if one.settled]

    assert finished.swarm("resume", RUN, "--from", "1") == 0, finished.output
    again = starts(finished)
    assert finished.swarm("resume", RUN, "--fork") == 0, finished.output

    assert again == {item: 1 if item == kept else 2 for item in ("A/a", "B/b", "C/c")}
    assert starts(finished) == again
    forked = state_of(finished, finished.last_run())
    assert forked.run_id != RUN
    assert (forked.status, {one.reused for one in forked.items.values()}) == (RunStatus.COMPLETED, {RUN})
    assert [mark.rewound for mark in read_history(open_journal(finished.settings), RUN).marks][:3] == [
        False,
        True,
        True,
    ]


def test_a_lost_run_is_made_again_from_its_checkpoint_file(finished: Project) -> None:
    """With another state folder the file brings the run back under its id; what it lacks on disk is done anew."""
    (finished.folder / "C.txt").unlink()
    finished.environment = {**finished.environment, "SWARM_HOME": str(finished.folder / "other")}

    code = finished.swarm("run", "--resume-checkpoint", f"checkpoints/workflow_{RUN}.json", "--yes")

    assert code == 0, finished.output
    assert "2 items are finished; 1 more were, but what they made is gone" in finished.output
    assert starts(finished) == {"A/a": 1, "B/b": 1, "C/c": 2}
    other = finished.settings.model_copy(update={"home": str(finished.folder / "other")})
    state = open_journal(other).state(RUN)
    assert (state.status, state.output) == (RunStatus.COMPLETED, str(finished.folder))
    assert {one.id: one.reused for one in state.items.values()} == {"A/a": RUN, "B/b": RUN, "C/c": None}
    assert state.items[ItemId("C/c")].status is ItemStatus.VERIFIED
