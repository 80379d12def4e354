"""The past of a run, read from the journal, and what is written when history turns."""

from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.core.changes import changed_plan, with_requirement
from tests.core.histories import item, started, verified
from tests.journal.conftest import PLAN, RUN

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import RunHeld, UsageError
from prefect_swarm.core.history import Start, Turn, begin_with, take_in
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reuse import Past
from prefect_swarm.core.state import ItemStatus, RunStatus, initial_state
from prefect_swarm.journal import schema
from prefect_swarm.journal.checkpoints import Snapshot, snapshot_of
from prefect_swarm.journal.history import History, read_history, read_run
from prefect_swarm.journal.rows import delete_run, delete_strays
from prefect_swarm.journal.store import Journal
from prefect_swarm.journal.takeover import begin, missing_products, past_of, rewind

OTHER = with_requirement(PLAN, 1, title="Other")
BEGUN = on.RunStarted(plan=PLAN.digest, max_parallel=3)
MARKS = [on.CheckpointSaved(number=n, completed=n, digest="0" * 64) for n in (1, 2)]


@pytest.fixture
def told(journal: Journal) -> Journal:
    """A journal with a run of two items, each followed by a checkpoint."""
    journal.append(RUN, [BEGUN, *verified("A"), MARKS[0], *verified("B"), MARKS[1]])
    return journal


def to_other(history: History) -> Turn:
    """Go on with another plan, whatever is missing."""
    return take_in(history.now, OTHER, frozenset())


def test_a_run_is_shown_as_it_stood_at_a_checkpoint(told: Journal) -> None:
    """Plan and state of a checkpoint are those of then, whatever happened since."""
    rewind(told, RUN, to_other, period=5.0)

    history = read_history(told, RUN)
    then = history.at(history.mark(1))

    assert then.plan == PLAN
    assert {one.id: one.status for one in then.state.items.values()} == {
        item("A"): ItemStatus.VERIFIED,
        item("B"): ItemStatus.PENDING,
    }
    assert (history.now.plan, read_run(told, RUN)) == (OTHER, history.now)


def test_an_unknown_checkpoint_names_those_that_there_are(told: Journal) -> None:
    """Whoever mistypes a number learns the right ones."""
    with pytest.raises(UsageError, match="has no checkpoint 7; it has: 1, 2"):
        read_history(told, RUN).mark(7)


def test_turning_history_begins_a_new_stream_with_the_new_plan(told: Journal) -> None:
    """The turn is written under a lease, which is given back, and the journal goes by the new plan."""
    before = told.last(RUN)[0]

    turn = rewind(told, RUN, to_other, period=5.0)

    records = told.records(RUN, after=before)
    assert tuple(record.event for record in records) == turn.events
    assert {record.stream for record in records} == {2}
    assert (told.plan(RUN), told.holder(RUN)) == (OTHER, None)
    assert told.state(RUN).items[item("B")].status is ItemStatus.PENDING


def test_a_held_run_is_not_turned(told: Journal) -> None:
    """While somebody executes the run nothing is written, and the refusal names them."""
    epoch = told.take_lease(RUN, period=60.0)
    before = told.last(RUN)

    with pytest.raises(RunHeld, match="process"):
        rewind(told, RUN, to_other, period=5.0)

    assert told.last(RUN) == before
    told.release_lease(RUN, epoch)


def test_a_refused_turn_gives_the_run_back(told: Journal) -> None:
    """When nothing can be decided the lease does not stay behind."""

    def refuse(_history: History) -> Turn:
        raise UsageError("no")

    with pytest.raises(UsageError):
        rewind(told, RUN, refuse, period=60.0)

    assert told.holder(RUN) is None


def test_a_run_begins_with_what_another_finished(told: Journal) -> None:
    """The new run is known with its plan and its output folder before anybody executes it, and the old is untouched."""
    before, new = told.last(RUN), RunId("run-2")
    start = Start(new, "/out", 3, "begun from run-1")

    begin(told, new, begin_with(start, PLAN, (read_history(told, RUN).now,), frozenset()))

    state = told.state(new)
    assert {one.status for one in state.items.values()} == {ItemStatus.VERIFIED}
    assert (state.status, state.output, state.reason) == (RunStatus.INTERRUPTED, "/out", "begun from run-1")
    assert told.last(RUN) == before


def test_products_are_looked_for_below_the_output_folder_only(tmp_path: Path) -> None:
    """A path that leads elsewhere counts as gone, since no such file was ever made here."""
    (tmp_path / "out").mkdir()
    (tmp_path / "secret.txt").touch()
    (tmp_path / "out" / "a.txt").touch()
    paths = ("a.txt", "b.txt", "../secret.txt", str(tmp_path / "secret.txt"))
    files = tuple(on.FileChange(path=path, change="created") for path in paths)
    report = on.AttemptReported(item=item("A"), attempt=1, seconds=1.0, files=files)
    begun, done = verified("A")[:2], verified("A")[3:]
    past = Past(PLAN, started(PLAN, *begun, report, *done))

    assert missing_products((past,), tmp_path / "out") == set(paths[1:])


@pytest.fixture
def snapshot(plan: Plan) -> Snapshot:
    """The checkpoint of a run whose first item is verified."""
    return snapshot_of(plan, started(plan, *verified("A", seconds=3.0)), 50.0)


def test_finished_work_of_a_file_is_that_of_the_run(snapshot: Snapshot) -> None:
    """What a file says of finished items is read back; whatever else was under way is open."""
    past = past_of(snapshot)

    assert past.plan == PLAN
    assert [(one.status, one.seconds) for one in past.state.items.values()] == [
        (ItemStatus.VERIFIED, 3.0),
        (ItemStatus.PENDING, None),
    ]


LOOP = tuple(one.model_copy(update={"depends_on": (one.id,)}) for one in PLAN.items)
STRANGER = tuple(one.model_copy(update={"depends_on": (item("X"),)}) for one in PLAN.items)
FALSE = {
    "loop": changed_plan(PLAN, items=LOOP),
    "unknown item": changed_plan(PLAN, items=STRANGER),
    "unknown agent": changed_plan(PLAN, agents=()),
    "unknown requirement": changed_plan(PLAN, requirements=PLAN.requirements[:1]),
    "same item twice": changed_plan(PLAN, items=(PLAN.items[0], *PLAN.items)),
}


@pytest.mark.parametrize("false", FALSE.values(), ids=FALSE)
def test_a_file_that_does_not_hold_together_is_refused(snapshot: Snapshot, false: Plan) -> None:
    """A plan that names what it lacks could not be executed; it is wrong usage, told before anything is made."""
    with pytest.raises(UsageError, match="does not hold together"):
        past_of(snapshot.model_copy(update={"plan": false}))


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "x" * 81])
def test_a_run_of_a_file_has_a_plain_name(snapshot: Snapshot, name: str) -> None:
    """Folders are named after a run, so a file cannot lead them elsewhere."""
    with pytest.raises(UsageError, match="cannot be the id of a run"):
        past_of(snapshot.model_copy(update={"run_id": name}))


def test_a_run_that_nothing_happened_in_has_a_past(journal: Journal) -> None:
    """Before the first event a run stands at the beginning of its plan."""
    history = read_history(journal, RUN)

    assert history.now.state == initial_state(RUN, PLAN)
    assert history.marks == ()
    assert read_run(journal, RUN).plan == PLAN


def test_every_plan_of_a_run_stays_as_long_as_the_run(told: Journal) -> None:
    """Sweeping leaves the plans that a run began with and went by on its way; deleting the run takes them along."""
    plans = [changed_plan(PLAN, warnings=(name,)) for name in ("second", "third")]
    for number, plan in enumerate(plans, 3):
        items = tuple(one.id for one in plan.items)
        rewound = on.RunRewound(to=0, reason="again", plan=plan.digest, items=items, reopened=())
        told.append(RUN, [rewound, on.CheckpointSaved(number=number, completed=2, digest="")], plan=plan)

    with told.writing() as connection:
        delete_strays(connection)
    history = read_history(told, RUN)
    shown = [history.at(mark).plan for mark in history.marks]
    epoch = told.take_lease(RUN, period=5.0)
    with told.writing() as connection:
        delete_run(connection, RUN, epoch)

    assert shown == [PLAN, PLAN, *plans]
    with told.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.documents)) == 0
