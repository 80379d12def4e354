"""Writing down what happened, and reading it back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.histories import History, histories
from tests.core.values import KINDS, events, events_of
from tests.journal.conftest import PLAN, RUN

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import JournalError, RunNotFound, StorageFailed
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.state import ItemStatus
from prefect_swarm.journal.chain import START
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part, plan_of

READY = on.ItemReady(item=ItemId("A/fake"))
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)  # each example appends


@shared
@given(events)
def test_any_event_comes_back_as_it_was_written(journal: Journal, event: on.Event) -> None:
    """Events of any kind, with any text in them, are the same when they are read."""
    written = journal.append(RUN, [event])

    assert journal.records(RUN, after=written[0].seq - 1) == written
    assert written[0].event == event


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_event_can_be_written(
    open_again: Callable[[], Journal], journal: Journal, kind: type[on.Event]
) -> None:
    """No kind of event is forgotten, and another process reads it as the writer's memory has it."""

    @shared
    @given(events_of(kind))
    def written_and_read(event: on.Event) -> None:
        journal.append(RUN, [event])

    written_and_read()

    assert open_again().records(RUN) == journal.records(RUN)
    assert {type(record.event) for record in journal.records(RUN)} == {kind}


@shared
@given(histories(), st.integers(1, 5))
def test_a_run_folds_from_the_journal_as_from_memory(journal: Journal, history: History, portion: int) -> None:
    """Whatever the commits it was written in, a history read back gives the same state."""
    run_id = RunId(f"told-{len(journal.runs())}")
    journal.create(run_id, history.plan)

    happened = [record.event for record in history.records]
    written = [
        record
        for begin in range(0, len(happened), portion)
        for record in journal.append(run_id, happened[begin : begin + portion])
    ]

    assert journal.records(run_id) == tuple(written)
    assert [record.event for record in written] == happened
    assert {one.id: one.status for one in journal.state(run_id).items.values()} == _statuses(history)


def test_reading_goes_on_after_a_number(journal: Journal) -> None:
    """Whoever has seen the first records is given the rest, at most as many as wanted."""
    journal.append(RUN, [READY] * 5)

    assert [record.seq for record in journal.records(RUN, after=2)] == [3, 4, 5]
    assert [record.seq for record in journal.records(RUN, after=2, limit=2)] == [3, 4]
    assert journal.records(RUN, after=1, limit=0) == ()
    assert journal.records(RUN, after=5) == ()
    assert journal.records(RUN, after=99) == ()


def test_writing_nothing_writes_nothing(journal: Journal) -> None:
    """No events are no records."""
    assert journal.append(RUN, []) == ()
    assert journal.last(RUN) == (0, START)


def test_an_append_is_whole_or_not_at_all(
    journal: Journal, failpoints: Callable[[Callable[[str], None]], None]
) -> None:
    """An error before the commit leaves none of the events, and the next append takes their numbers."""

    def fail(name: str) -> None:
        if name == "before_commit":
            raise OSError("no space left on device")

    failpoints(fail)
    with pytest.raises(StorageFailed, match="no space"):
        journal.append(RUN, [READY, READY])
    failpoints(lambda _name: None)

    assert journal.records(RUN) == ()
    assert journal.append(RUN, [READY])[0].seq == 1


def test_after_the_commit_nothing_is_lost(
    journal: Journal, failpoints: Callable[[Callable[[str], None]], None]
) -> None:
    """An error after the commit takes nothing back, although the writer does not learn of it."""

    def fail(name: str) -> None:
        if name == "after_commit":
            raise OSError("the cable was pulled")

    failpoints(fail)
    with pytest.raises(OSError, match="cable"):
        journal.append(RUN, [READY, READY])

    assert [record.seq for record in journal.records(RUN)] == [1, 2]


def test_runs_do_not_touch_each_other(journal: Journal) -> None:
    """Each run has its own numbers, and its own state."""
    journal.create(RunId("run-2"), PLAN)

    journal.append(RUN, [READY])
    journal.append(RunId("run-2"), [READY, on.AttemptStarted(item=ItemId("A/fake"), attempt=1)])

    assert journal.state(RUN).items[ItemId("A/fake")].status is ItemStatus.READY
    assert journal.state(RunId("run-2")).items[ItemId("A/fake")].status is ItemStatus.RUNNING
    assert journal.last(RUN)[0] == 1


@pytest.mark.parametrize("use", ["append", "plan", "records", "state", "take_lease"])
def test_a_run_that_nobody_made_known_is_not_found(journal: Journal, use: str) -> None:
    """Writing to, reading or executing an unknown run is refused by its name."""
    uses: dict[str, Callable[[RunId], object]] = {
        "append": lambda run: journal.append(run, [READY]),
        "plan": journal.plan,
        "records": journal.records,
        "state": journal.state,
        "take_lease": lambda run: journal.take_lease(run, period=1.0),
    }

    with pytest.raises(RunNotFound, match="no run run-9"):
        uses[use](RunId("run-9"))


def test_a_word_finds_a_run() -> None:
    """A run is found by its id, the only id that begins so, or as the last one."""
    with closing(_with_runs("alpha-1", "alpha-2", "beta-1", "alpha")) as journal:
        assert journal.find("beta") == "beta-1"
        assert journal.find("alpha") == "alpha"  # whole, although others begin so
        assert journal.find("alpha-2") == "alpha-2"
        assert journal.find("last") == "alpha"
        assert [entry.run_id for entry in journal.runs()] == ["alpha", "beta-1", "alpha-2", "alpha-1"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("alpha-", "several runs begin with 'alpha-'; runs: alpha-2, alpha-1"),
        ("gamma", "no run begins with 'gamma'; runs: beta-1, alpha-2, alpha-1"),
        ("%", "no run begins with '%'"),
    ],
)
def test_a_word_that_finds_none_or_several_names_the_runs(word: str, message: str) -> None:
    """Whoever mistypes a run is shown which there are."""
    with closing(_with_runs("alpha-1", "alpha-2", "beta-1")) as journal, pytest.raises(RunNotFound) as refused:
        journal.find(word)

    assert message in str(refused.value)


def test_nothing_is_last_where_there_is_no_run() -> None:
    """In an empty journal every word finds nothing, and says so."""
    with closing(_with_runs()) as journal, pytest.raises(RunNotFound, match="no run yet"):
        journal.find("last")


def test_a_plan_is_kept_as_it_was(journal: Journal) -> None:
    """The plan of a run comes back whole, and making the same run known again changes nothing."""
    journal.create(RUN, PLAN)

    assert journal.plan(RUN) == PLAN
    assert journal.plan(RUN).digest == PLAN.digest


def test_a_run_has_one_plan(journal: Journal) -> None:
    """A run cannot be made known with another plan."""
    with pytest.raises(JournalError, match="run run-1 exists with another plan"):
        journal.create(RUN, plan_of(Part("Z")))

    assert journal.plan(RUN) == PLAN


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE swarm_documents SET body = CAST(replace(body, 'Make A', 'Make B') AS BLOB)",
        "DELETE FROM swarm_documents",
    ],
)
def test_a_damaged_plan_is_never_executed(journal: Journal, folder: Path, damage: str) -> None:
    """A plan that is not what was compiled is refused, with what to do."""
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        database.execute(damage)

    with pytest.raises(JournalError, match="the plan of run run-1 is damaged; restore the journal from a backup"):
        journal.plan(RUN)


def test_a_flow_run_is_bound_to_a_run(journal: Journal) -> None:
    """Prefect's hooks find the run of a flow run, from any process; the latest word counts."""
    journal.bind("flow-run-a", RUN)
    journal.bind("flow-run-a", RunId("run-2"))

    assert journal.run_of("flow-run-a") == "run-2"
    assert journal.run_of("flow-run-b") is None


def _statuses(history: History) -> dict[ItemId, ItemStatus]:
    *_, state = history.states()
    return {one.id: one.status for one in state.items.values()}


def _with_runs(*names: str) -> Journal:
    """Make a journal in memory with these runs, the last one the newest."""
    clock = iter(range(100))
    journal = Journal("sqlite://", clock=lambda: float(next(clock)))
    for name in names:
        journal.create(RunId(name), PLAN)
    return journal
