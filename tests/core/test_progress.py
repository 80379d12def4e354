"""How far a run is, and how long it will still take."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import History, begun, histories, item, plans, reported, standing, started, told, verified

from prefect_swarm.core import events as on
from prefect_swarm.core.graph import remaining_paths
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.progress import eta, makespan, requirement_share, run_share, share
from prefect_swarm.core.state import ItemStatus
from prefect_swarm.testing.plans import Part, plan_of

PAIR = plan_of(Part("A"), Part("B"))
CHAIN = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("B",)))


def progressed(fraction: float) -> on.AttemptProgressed:
    """Have the agent of A say how far it is."""
    return on.AttemptProgressed(item=item("A"), attempt=1, fraction=fraction)


def with_efforts(plan: Plan, *sizes: float) -> Plan:
    """Give the items of a plan these efforts."""
    items = (one.model_copy(update={"effort": size}) for one, size in zip(plan.items, sizes, strict=True))
    return Plan(project=plan.project, requirements=plan.requirements, agents=plan.agents, items=tuple(items))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), 0.0),
        ((progressed(0.25),), 0.25),
        ((progressed(1.0),), 0.9),
        ((reported("A"),), 0.9),
        ((reported("A"), on.ItemVerified(item=item("A"), attempt=1, seconds=1)), 1.0),
    ],
    ids=["begun", "a quarter", "says it is done", "reported", "verified"],
)
def test_only_verified_work_counts_in_full(events: tuple[on.Event, ...], expected: float) -> None:
    """An agent's own word is worth nine tenths at most; the engine's checks give the rest."""
    state = started(PAIR, *begun("A"), *events)

    assert share(state.items[item("A")]) == expected
    assert run_share(PAIR, state) == expected / 2


@pytest.mark.parametrize("status", set(ItemStatus) - {ItemStatus.VERIFIED, ItemStatus.REPORTED, ItemStatus.RUNNING})
def test_what_is_not_under_way_counts_nothing(status: ItemStatus) -> None:
    """Whatever an item once reported, it counts nothing while it waits, has failed or is left out."""
    state = standing(started(PAIR, *begun("A"), progressed(0.8)), A=status)

    assert run_share(PAIR, state) == 0.0


def test_a_large_item_counts_more() -> None:
    """A run is the mean of its requirements, weighted by effort."""
    plan = with_efforts(PAIR, 3.0, 1.0)

    assert run_share(plan, started(plan, *verified("A"))) == 0.75


def test_a_requirement_done_before_the_run_counts_as_done() -> None:
    """What the file marks as done needs no item to be done."""
    done = PAIR.requirements[0].model_copy(update={"done": True})
    plan = Plan(
        project=PAIR.project, requirements=(done, PAIR.requirements[1]), agents=PAIR.agents, items=PAIR.items[1:]
    )

    state = started(plan)

    assert requirement_share(plan, state, done.id) == 1.0
    assert run_share(plan, state) == 0.5


@given(histories())
def test_shares_lie_between_nothing_and_everything(history: History) -> None:
    """In any history the run's share is between 0 and 1, and 1 only where every item is verified."""
    for state in history.states():
        whole = run_share(history.plan, state)
        assert 0.0 <= whole <= 1.0
        assert (whole == 1.0) is (state.count(ItemStatus.VERIFIED) == len(history.plan.items))


def test_nothing_is_foretold_before_the_first_item_is_done() -> None:
    """Without a measured duration there is no estimate."""
    assert eta(PAIR, started(PAIR, *begun("A"), reported("A")), now=5.0) is None


def test_a_chain_takes_the_sum_of_what_is_left() -> None:
    """Two items in a row that take as long as the first take twice as long."""
    found = eta(CHAIN, started(CHAIN, *verified("A", seconds=10.0)), now=0.0)

    assert found is not None
    assert (found.low, found.expected, found.high) == (20.0, 20.0, 20.0)


def test_work_begun_is_taken_off() -> None:
    """An item that has been worked on for a while needs that much less, and never less than nothing."""
    state = told(started(CHAIN, *verified("A", seconds=10.0)), *begun("B"), at=100.0)

    soon, late = eta(CHAIN, state, now=104.0), eta(CHAIN, state, now=500.0)

    assert soon is not None
    assert late is not None
    assert (soon.expected, late.expected) == (16.0, 10.0)


def test_the_range_is_that_of_the_measured_durations() -> None:
    """The estimate spreads as the middle half of the durations does."""
    plan = plan_of(*(Part(name) for name in "ABCDEF"))
    events = [verified(name, seconds=seconds) for name, seconds in zip("ABCDE", (2, 8, 10, 12, 40), strict=True)]

    found = eta(plan, started(plan, *sum(events, ())), now=0.0)

    assert found is not None
    assert (found.low, found.expected, found.high) == pytest.approx((8.0, 10.0, 12.0))


def test_nothing_left_takes_no_time() -> None:
    """A run whose items are all settled is over."""
    found = eta(PAIR, started(PAIR, *verified("A"), *verified("B")), now=50.0)

    assert found is not None
    assert found.expected == 0.0


@given(histories(), st.floats(0, 1000))
def test_an_estimate_is_a_range_around_its_middle(history: History, now: float) -> None:
    """Low, expected and high are never negative and never out of order."""
    for state in history.states():
        found = eta(history.plan, state, now)
        assert found is None or 0 <= found.low <= found.expected <= found.high


@given(plans(), st.integers(1, 4), st.data())
def test_a_schedule_is_bounded_by_its_chain_and_its_work(plan: Plan, slots: int, data: st.DataObject) -> None:
    """It takes at least the longest chain and the work divided by the slots, and at most both together."""
    durations = {one.id: float(data.draw(st.integers(1, 9))) for one in plan.items}
    longest, work = max(remaining_paths(plan, durations).values()), sum(durations.values())

    takes = makespan(plan.items, durations, slots)

    assert max(longest, work / slots) <= takes + 1e-9
    assert takes <= work / slots + longest
    assert makespan(plan.items, durations, 1) == work


def test_more_slots_are_used() -> None:
    """Independent items on three slots take a third of the time."""
    plan = plan_of(*(Part(name) for name in "ABCD"))
    state = started(plan, *verified("A", seconds=10.0))

    narrow, wide = (eta(plan, replace(state, max_parallel=slots), now=0.0) for slots in (1, 3))

    assert narrow is not None
    assert wide is not None
    assert (narrow.expected, wide.expected) == (30.0, 10.0)
