"""What a plan will take before anything has run: time and money as ranges, from stated assumptions.

Nobody knows how long an agent works on something it has not seen. The figures are for a story point, the range
is wide on purpose, and where a run has measured something, `core/progress` says more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.progress import makespan
from prefect_swarm.core.requirement import Value

LOW_MINUTES, HIGH_MINUTES = 1.0, 12.0
"""Minutes that an agent works for a story point, at least and at most."""
RETRIED = 0.25
"""The share of items that the high end takes to be tried once more."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an attempt uses up for a story point; `cached` ones are part of `read`."""

    read: int
    cached: int
    written: int


LIGHT = Tokens(read=100_000, cached=80_000, written=5_000)
HEAVY = Tokens(read=1_500_000, cached=1_350_000, written=30_000)
"""An agent that reads its files and edits, and one that searches, tests and mends for long. Most of it is cached."""


class Range(Value):
    """From, to."""

    low: float = Field(ge=0)
    high: float = Field(ge=0)


class Estimate(Value):
    """What a plan will take; `unpriced` items are not in the costs."""

    seconds: Range
    usd: Range | None
    unpriced: int
    """Items for which no price is known: their runner or model is not named."""
    assumptions: str


def estimate(plan: Plan, prices: Mapping[ItemId, Range], *, slots: int, rehearsal_seconds: float) -> Estimate:
    """Estimate the plan on so many slots; `prices` holds dollars of an attempt for each item that has a price."""
    low = {item.id: rehearsal_seconds if _rehearsed(plan, item) else _least(item) for item in plan.items}
    high = {item.id: rehearsal_seconds if _rehearsed(plan, item) else _most(item) for item in plan.items}
    priced = [(prices[item.id], item) for item in plan.items if item.id in prices]
    unpriced = sum(item.id not in prices and not _rehearsed(plan, item) for item in plan.items)
    usd = Range(
        low=sum(one.low for one, _ in priced),
        high=sum(one.high * (1 + RETRIED * bool(item.retries)) for one, item in priced),
    )
    return Estimate(
        seconds=Range(low=makespan(plan.items, low, slots), high=makespan(plan.items, high, slots)),
        usd=usd if priced else None,
        unpriced=unpriced,
        assumptions=(
            f"assumed {LOW_MINUTES:g} to {HIGH_MINUTES:g} minutes of an agent's work for a story point, "
            f"{slots} at once, up to {RETRIED:.0%} of the items tried once more"
        ),
    )


def _rehearsed(plan: Plan, item: WorkItem) -> bool:
    return plan.rehearsal or (item.runner is not None and item.runner.kind == "rehearsal")


def _least(item: WorkItem) -> float:
    return min(item.timeout, LOW_MINUTES * 60 * item.effort)


def _most(item: WorkItem) -> float:
    once = min(item.timeout, HIGH_MINUTES * 60 * item.effort)
    return once * (1 + RETRIED * bool(item.retries))
