"""How far a run is, and how long it will still take.

An item counts its effort when it is verified; a running one counts what it reported, at most nine tenths of its
effort. A requirement is the weighted mean of its items, the run that of its requirements.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from statistics import median, quantiles

from prefect_swarm.core.ids import ItemId, RequirementId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.requirement import Value
from prefect_swarm.core.state import AT_WORK, ItemState, ItemStatus, RunState

UNVERIFIED_SHARE = 0.9
"""What an item counts at most before it is verified."""


class Eta(Value):
    """Seconds until the run is over, as a range and its middle."""

    low: float
    expected: float
    high: float


def share(item: ItemState) -> float:
    """How much of an item is done, from 0 to 1."""
    match item.status:
        case ItemStatus.VERIFIED:
            return 1.0
        case ItemStatus.REPORTED:
            return UNVERIFIED_SHARE
        case ItemStatus.RUNNING:
            return min(item.fraction, UNVERIFIED_SHARE)
        case _:
            return 0.0


def requirement_share(plan: Plan, state: RunState, requirement: RequirementId) -> float:
    """How much of a requirement is done, from 0 to 1."""
    if plan.requirement_by_id[requirement].done:
        return 1.0
    return _mean((item.effort, share(state.items[item.id])) for item in plan.items_of[requirement])


def run_share(plan: Plan, state: RunState) -> float:
    """How much of the run is done, from 0 to 1."""
    return _mean((_effort(plan, one.id), requirement_share(plan, state, one.id)) for one in plan.requirements)


def _effort(plan: Plan, requirement: RequirementId) -> float:
    return sum(item.effort for item in plan.items_of[requirement]) or plan.requirement_by_id[requirement].effort or 1.0


def _mean(weighted: Iterable[tuple[float, float]]) -> float:
    pairs = list(weighted)
    total = sum(weight for weight, _ in pairs)
    return sum(weight * value for weight, value in pairs) / total if total else 0.0


def eta(plan: Plan, state: RunState, now: float) -> Eta | None:
    """Simulate what is left with the durations measured so far; None before the first is known."""
    measured = [seconds for item in state.items.values() if (seconds := duration(item))]
    if not measured:
        return None
    low, _, high = quantiles(measured, n=4, method="inclusive") if len(measured) > 1 else (measured[0],) * 3
    middle = median(measured)
    by_agent = _medians_by_agent(plan, state)
    expected = _left(plan, state, {item.id: by_agent.get(item.agent, middle) for item in plan.items}, now)
    spread = (low / middle if middle else 1.0, high / middle if middle else 1.0)
    return Eta(low=expected * spread[0], expected=expected, high=expected * spread[1])


def duration(item: ItemState) -> float | None:
    """Seconds that an item's last attempt took, checks included (reused work: without); None before it is verified."""
    if item.status is ItemStatus.VERIFIED and item.reused:
        return item.seconds
    if item.status is not ItemStatus.VERIFIED or item.since is None or item.started is None:
        return None
    return max(item.since - item.started, item.seconds or 0.0)  # a clock set back does not make work shorter


def _medians_by_agent(plan: Plan, state: RunState) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for item in plan.items:
        seconds = duration(state.items[item.id])
        if seconds:
            found.setdefault(item.agent, []).append(seconds)
    return {agent: median(durations) for agent, durations in found.items()}


def _left(plan: Plan, state: RunState, durations: Mapping[ItemId, float], now: float) -> float:
    """Seconds that a list schedule in plan order needs for what is not settled."""
    left = [item for item in plan.items if not state.items[item.id].settled]
    begun = {item.id: durations[item.id] + _ahead(state.items[item.id], durations[item.id], now) for item in left}
    return makespan(left, begun, state.max_parallel)


def _ahead(item: ItemState, expected: float, now: float) -> float:
    """Seconds that an item takes more than expected, since it waits for a retry, or less, since it is at work."""
    if item.due is not None:
        return max(0.0, item.due - now)
    if item.status in AT_WORK and item.started is not None:
        return -min(expected, now - item.started)
    return 0.0


def makespan(items: Sequence[WorkItem], durations: Mapping[ItemId, float], slots: int) -> float:
    """Seconds that the items take on so many slots, each started as soon as it may, earlier ones first."""
    inside = {item.id for item in items}
    waits = {item.id: sum(one in inside for one in item.depends_on) for item in items}
    order = {item.id: place for place, item in enumerate(items)}
    dependents: dict[ItemId, list[ItemId]] = {item.id: [] for item in items}
    for item in items:
        for one in item.depends_on:
            if one in inside:
                dependents[one].append(item.id)

    ready = sorted(order[item] for item, count in waits.items() if count == 0)
    running: list[tuple[float, int]] = []
    clock = 0.0
    while ready or running:
        while ready and len(running) < slots:
            place = heappop(ready)
            heappush(running, (clock + durations[items[place].id], place))
        clock, place = heappop(running)
        for one in dependents[items[place].id]:
            waits[one] -= 1
            if waits[one] == 0:
                heappush(ready, order[one])
    return clock
