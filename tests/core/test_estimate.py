"""What a plan will take, before anything has run."""

from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import item, plans

from prefect_swarm.core.estimate import HIGH_MINUTES, LOW_MINUTES, RETRIED, Range, estimate
from prefect_swarm.core.plan import Plan
from prefect_swarm.testing.plans import Part, plan_of


def test_time_is_that_of_the_longest_way_on_the_slots() -> None:
    """Two of three equal items run at once on two slots; the range is that of the assumptions."""
    plan = plan_of(Part("A", timeout=9e9), Part("B", timeout=9e9), Part("C", timeout=9e9))

    found = estimate(plan, {}, slots=2, rehearsal_seconds=1.0)

    assert found.seconds == Range(low=2 * LOW_MINUTES * 60, high=2 * HIGH_MINUTES * 60)
    assert (found.usd, found.unpriced) == (None, 3)


def test_a_timeout_bounds_the_time_of_an_attempt() -> None:
    """No attempt takes longer than it may; where it may be tried again the high end says so."""
    found = estimate(plan_of(Part("A", timeout=5.0, retries=1)), {}, slots=1, rehearsal_seconds=1.0)

    assert found.seconds == Range(low=5.0, high=5.0 * (1 + RETRIED))


def test_costs_are_those_of_the_items_with_a_price() -> None:
    """Prices add up, and how many items have none is told."""
    prices = {item("A"): Range(low=1.0, high=4.0), item("B"): Range(low=0.5, high=2.0)}

    found = estimate(plan_of(Part("A"), Part("B"), Part("C")), prices, slots=3, rehearsal_seconds=1.0)

    assert (found.usd, found.unpriced) == (Range(low=1.5, high=6.0), 1)


def test_a_rehearsal_takes_as_long_as_is_set_and_costs_nothing() -> None:
    """Nothing is assumed where nothing is guessed."""
    plan = plan_of(Part("A"), Part("B", needs=("A",))).model_copy(update={"rehearsal": True})

    found = estimate(plan, {}, slots=3, rehearsal_seconds=2.0)

    assert (found.seconds, found.usd, found.unpriced) == (Range(low=4.0, high=4.0), None, 0)


@given(plans(), st.integers(1, 4))
def test_the_low_end_is_never_above_the_high_one(plan: Plan, slots: int) -> None:
    """A range is one, for any plan."""
    found = estimate(plan, {}, slots=slots, rehearsal_seconds=1.0)

    assert 0 < found.seconds.low <= found.seconds.high
