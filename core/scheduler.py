"""What is to be done next: plan and state in (as an agenda), actions out.

An item starts when everything it depends on is verified and a slot is near; there are no waves. The conductor
performs the actions; their effects come back as events, and the next decision sees them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prefect_swarm.core.agenda import Agenda
from prefect_swarm.core.events import End
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.state import (
    AT_WORK,
    UNMET,
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


def decide(agenda: Agenda, limits: Limits, now: float) -> tuple[Action, ...]:
    """Say what to do now; nothing where the next event has to be waited for."""
    state = agenda.state
    if state.status is not RunStatus.RUNNING or state.questions:
        return ()
    blocks = tuple(_blocks(agenda))
    if blocks:
        return blocks  # their events may block more, so starts and the end are decided on the next round
    marks = _marks(agenda, limits.checkpoint_every)
    if agenda.settled:
        return _ends(agenda, limits, marks)
    if limits.draining:
        idle = not agenda.count(*AT_WORK)
        return (*marks, Interrupt()) if idle else marks
    # As many wait at the gate as there are slots, so that a freed slot is taken at once, by the most urgent.
    window = limits.max_parallel - agenda.count(ItemStatus.READY)
    return (*marks, *map(Start, agenda.startable(window, now)))


def outcome(plan: Plan, state: RunState) -> End:
    """Tell how a run ends whose items are all settled."""
    statuses = {requirement_status(plan, state, one.id) for one in plan.requirements}
    if statuses <= {RequirementStatus.COMPLETED}:
        return "completed"
    return "completed_with_failures" if RequirementStatus.COMPLETED in statuses else "failed"


def _blocks(agenda: Agenda) -> Iterator[Block]:
    for item in agenda.blocked():
        upstream = next(one for one in map(agenda.state.items.__getitem__, item.depends_on) if one.status in UNMET)
        cause = upstream.cause or upstream.id
        yield Block(item, cause, f"waits for {upstream.id}, which is {upstream.status}: {upstream.reason}")


def _marks(agenda: Agenda, every: int) -> tuple[Mark, ...]:
    completed = agenda.count(ItemStatus.VERIFIED)
    return (Mark(completed),) if completed - agenda.state.marked >= every else ()


def _ends(agenda: Agenda, limits: Limits, marks: tuple[Mark, ...]) -> tuple[Action, ...]:
    failed = tuple(item.id for item in agenda.state.items.values() if item.status is ItemStatus.FAILED)
    final = marks or (Mark(agenda.count(ItemStatus.VERIFIED)),)
    last = Ask(failed) if failed and limits.ask else Finish(outcome(agenda.plan, agenda.state), _reason(failed))
    return (*final, last)


def _reason(failed: tuple[ItemId, ...]) -> str:
    if not failed:
        return ""
    more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    return f"failed: {', '.join(failed[:NAMED])}{more}"
