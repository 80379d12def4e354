"""What is to be done next: plan and state in, actions out.

An item starts when everything it depends on is verified and a slot is near; there are no waves. The conductor
performs the actions; their effects come back as events, and the next decision sees them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prefect_swarm.core.events import End
from prefect_swarm.core.graph import Rank
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.state import (
    AT_WORK,
    UNMET,
    ItemState,
    ItemStatus,
    RequirementStatus,
    RunState,
    RunStatus,
    requirement_status,
)

NAMED = 3
"""Failed items that the reason of an end names."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the scheduler keeps to."""

    max_parallel: int
    checkpoint_every: int
    draining: bool = False
    """Nothing new is started, and the run is interrupted once nothing is at work."""
    ask: bool = False
    """A person is asked about failed items before the run ends."""


@dataclass(frozen=True, slots=True)
class Start:
    """Hand the item to Prefect; it waits at the gate for its slot."""

    item: WorkItem


@dataclass(frozen=True, slots=True)
class Block:
    """Say that the item cannot start because of `cause`."""

    item: WorkItem
    cause: ItemId
    reason: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Save a checkpoint."""

    completed: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask a person about the failed items."""

    items: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Leave the run so that it can be resumed."""


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run."""

    outcome: End
    reason: str


Action = Start | Block | Mark | Ask | Interrupt | Finish


def decide(plan: Plan, state: RunState, limits: Limits, ranks: Mapping[ItemId, Rank], now: float) -> tuple[Action, ...]:
    """Say what to do now; nothing where the next event has to be waited for."""
    if state.status is not RunStatus.RUNNING or state.questions:
        return ()
    blocks = tuple(_blocks(plan, state))
    if blocks:
        return blocks  # their events may block more, so starts and the end are decided on the next round
    marks = _marks(state, limits.checkpoint_every)
    if all(item.settled for item in state.items.values()):
        return _ends(plan, state, limits, marks)
    if limits.draining:
        idle = not state.count(*AT_WORK)
        return (*marks, Interrupt()) if idle else marks
    return (*marks, *_starts(plan, state, limits, ranks, now))


def next_due(state: RunState, now: float) -> float | None:
    """Seconds until an item that waits for its time may start; None where none waits."""
    dues = [item.due for item in state.items.values() if item.status is ItemStatus.PENDING and item.due is not None]
    return max(0.0, min(dues) - now) if dues else None


def outcome(plan: Plan, state: RunState) -> End:
    """Tell how a run ends whose items are all settled."""
    statuses = {requirement_status(plan, state, one.id) for one in plan.requirements}
    if statuses <= {RequirementStatus.COMPLETED}:
        return "completed"
    return "completed_with_failures" if RequirementStatus.COMPLETED in statuses else "failed"


def _blocks(plan: Plan, state: RunState) -> Iterator[Block]:
    for item in plan.items:
        if state.items[item.id].status is ItemStatus.PENDING:
            upstream = next((one for one in _upstream(state, item) if one.status in UNMET), None)
            if upstream is not None:
                cause = upstream.cause or upstream.id
                yield Block(item, cause, f"waits for {upstream.id}, which is {upstream.status}: {upstream.reason}")


def _upstream(state: RunState, item: WorkItem) -> Iterator[ItemState]:
    return (state.items[one] for one in item.depends_on)


def _starts(plan: Plan, state: RunState, limits: Limits, ranks: Mapping[ItemId, Rank], now: float) -> Iterator[Start]:
    # As many wait at the gate as there are slots, so that a freed slot is taken at once, by the most urgent.
    window = limits.max_parallel - state.count(ItemStatus.READY)
    startable = [item for item in plan.items if _startable(state, item, now)]
    for item in sorted(startable, key=lambda one: ranks[one.id])[: max(0, window)]:
        yield Start(item)


def _startable(state: RunState, item: WorkItem, now: float) -> bool:
    mine = state.items[item.id]
    if mine.status is not ItemStatus.PENDING or (mine.due is not None and mine.due > now):
        return False
    return all(one.status is ItemStatus.VERIFIED for one in _upstream(state, item))


def _marks(state: RunState, every: int) -> tuple[Mark, ...]:
    completed = state.count(ItemStatus.VERIFIED)
    return (Mark(completed),) if completed - state.marked >= every else ()


def _ends(plan: Plan, state: RunState, limits: Limits, marks: tuple[Mark, ...]) -> tuple[Action, ...]:
    failed = tuple(item.id for item in state.items.values() if item.status is ItemStatus.FAILED)
    final = marks or (Mark(state.count(ItemStatus.VERIFIED)),)
    last = Ask(failed) if failed and limits.ask else Finish(outcome(plan, state), _reason(failed))
    return (*final, last)


def _reason(failed: tuple[ItemId, ...]) -> str:
    if not failed:
        return ""
    more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    return f"failed: {', '.join(failed[:NAMED])}{more}"
