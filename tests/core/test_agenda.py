"""The agenda of a run: an index that says what a look at every item would say."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import History, begun, histories, item, plans, started
from tests.core.simulation import Simulation

from prefect_swarm.core import events as on
from prefect_swarm.core.agenda import Agenda
from prefect_swarm.core.graph import efforts, ranks
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.scheduler import Limits
from prefect_swarm.core.state import SETTLED, UNMET, ItemStatus, RunState
from prefect_swarm.testing.plans import Part, plan_of


def agenda(plan: Plan, state: RunState) -> Agenda:
    """Give an agenda that begins with this state."""
    return Agenda(plan, state, ranks(plan, efforts(plan)))


def assert_true_to(known: Agenda, plan: Plan, state: RunState, now: float) -> None:
    """Hold what an agenda says against a look at every item."""
    order = ranks(plan, efforts(plan))
    statuses = {one.id: one.status for one in state.items.values()}
    pending = [one for one in plan.items if statuses[one.id] is ItemStatus.PENDING]
    free = [one for one in pending if all(statuses[up] is ItemStatus.VERIFIED for up in one.depends_on)]
    due = [one for one in free if (state.items[one.id].due or 0.0) <= now]

    assert list(known.blocked()) == [one for one in pending if any(statuses[up] in UNMET for up in one.depends_on)]
    assert list(known.startable(2, now)) == sorted(due, key=lambda one: order[one.id])[:2]
    assert list(known.startable(99, now)) == sorted(due, key=lambda one: order[one.id])
    assert known.settled is all(status in SETTLED for status in statuses.values())
    assert {status: known.count(status) for status in ItemStatus} == {
        status: list(statuses.values()).count(status) for status in ItemStatus
    }


@given(histories())
def test_an_agenda_that_followed_says_the_same_as_a_look_at_everything(history: History) -> None:
    """After every event of any history open, blocked and settled items are those that a search finds."""
    states = list(history.states())
    known = agenda(history.plan, states[0])

    for now, state in enumerate(states):
        known.follow(state)

        assert_true_to(known, history.plan, state, float(now))


@given(plans(), st.randoms(use_true_random=False), st.lists(st.integers(0, 40), max_size=3))
def test_an_agenda_may_miss_steps(plan: Plan, chance: Random, looks: list[int]) -> None:
    """Following only some of a run's states leads to the same agenda as following each."""
    run = Simulation(plan, chance, Limits(max_parallel=2, checkpoint_every=3))
    known = agenda(plan, run.state)

    for steps in looks:
        run.run(steps=steps)
        known.follow(run.state)

        assert_true_to(known, plan, run.state, run.now)


def test_time_may_run_backwards() -> None:
    """An item that was due, and is not any more after the clock was set back, waits again."""
    plan = plan_of(Part("A"))
    waiting = on.RetryScheduled(item=item("A"), attempt=2, delay=5, due=105.0)
    state = started(plan, *begun("A"), waiting, on.RunPaused(status="interrupted", reason="left"))
    known = agenda(plan, started(plan))
    known.follow(state)

    assert names(known, 200.0) == [item("A")]
    assert names(known, 100.0) == []
    assert known.next_due(100.0) == 5.0
    assert names(known, 105.0) == [item("A")]


def names(known: Agenda, now: float) -> list[ItemId]:
    """Return the items that may start."""
    return [one.id for one in known.startable(9, now)]
