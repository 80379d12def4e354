"""Where a run stands: the value that its events fold into."""

from dataclasses import dataclass
from enum import StrEnum

from prefect_swarm.core.events import ErrorOccurred, Evidence, FileChange
from prefect_swarm.core.ids import ItemId, RequirementId, RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.table import ItemTable


class ItemStatus(StrEnum):
    """Where an item stands."""

    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    RETRY_WAITING = "retry_waiting"
    RATE_LIMITED = "rate_limited"
    ASKING = "asking"
    REPORTED = "reported"
    VERIFIED = "verified"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


SETTLED = frozenset(
    {ItemStatus.VERIFIED, ItemStatus.FAILED, ItemStatus.BLOCKED, ItemStatus.SKIPPED, ItemStatus.CANCELLED}
)
"""Statuses that an item leaves only when a person says so."""
AT_WORK = frozenset({ItemStatus.RUNNING, ItemStatus.REPORTED})
"""Statuses in which an attempt holds a slot."""
UNMET = frozenset({ItemStatus.FAILED, ItemStatus.BLOCKED, ItemStatus.SKIPPED, ItemStatus.CANCELLED})
"""Settled, but not so that dependents could start."""


class RequirementStatus(StrEnum):
    """Where a requirement stands, told by its items."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """Where a run stands; the last six are ends."""

    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED = "failed"
    ABORTED = "aborted"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"

    @property
    def ended(self) -> bool:
        """True for the ends, false while the run lives."""
        return self not in {RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.SUSPENDED, RunStatus.INTERRUPTED}


@dataclass(frozen=True, slots=True)
class ItemState:
    """Where one item stands."""

    id: ItemId
    status: ItemStatus = ItemStatus.PENDING
    generation: int = 1
    """Grows when a person has the item done anew; retries are counted within it."""
    attempt: int = 0
    """Number of the latest attempt, over all generations."""
    used: int = 0
    """Attempts of this generation that count against the retries."""
    since: float | None = None
    """When the status was reached."""
    reused: RunId | None = None
    """The run whose finished work this is, where no agent worked for it here."""
    started: float | None = None
    """When the latest attempt began."""
    due: float | None = None
    """When the next retry is due."""
    fraction: float = 0.0
    message: str = ""
    failure: Failure | None = None
    reason: str = ""
    output: str = ""
    """Tail of what the last failed attempt printed."""
    cause: ItemId | None = None
    """The item that blocks this one."""
    evidence: tuple[Evidence, ...] = ()
    """Of the latest attempt that was checked."""
    seconds: float | None = None
    """How long the agent of the latest reported attempt worked."""
    summary: str = ""
    files: tuple[FileChange, ...] = ()
    guidance: str = ""
    task_run_id: str | None = None
    folder: str = ""
    """Where prompt, result and log of the latest attempt lie."""

    @property
    def settled(self) -> bool:
        """True where nothing more happens to the item by itself."""
        return self.status in SETTLED


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked."""

    id: str
    items: tuple[ItemId, ...]
    """The items still without an answer."""
    reason: str


@dataclass(frozen=True, slots=True)
class RunState:
    """Where the run stands after the event `seq`."""

    run_id: RunId
    items: ItemTable[ItemState]
    status: RunStatus = RunStatus.RUNNING
    reason: str = ""
    stream: int = 1
    seq: int = 0
    plan: str = ""
    """Digest of the plan that is in force; empty before the run began."""
    started: float | None = None
    ended: float | None = None
    max_parallel: int = 3
    rehearsal: bool = False
    flow_run_id: str | None = None
    output: str = ""
    checkpoint: int = 0
    """Number of the latest mark; 0 before the first."""
    marked: int = 0
    """Items that were completed at the latest mark."""
    questions: tuple[Question, ...] = ()
    errors: tuple[ErrorOccurred, ...] = ()
    """The latest ones, at most ten."""

    def count(self, *statuses: ItemStatus) -> int:
        """How many items stand at one of these."""
        return sum(item.status in statuses for item in self.items.values())


def initial_state(run_id: RunId, plan: Plan) -> RunState:
    """Give the state before the first event: every item pending."""
    return RunState(run_id, ItemTable(ItemState(item.id) for item in plan.items))


def requirement_status(plan: Plan, state: RunState, requirement: RequirementId) -> RequirementStatus:
    """Tell a requirement's status by its items; the worst end wins over what is still open."""
    if plan.requirement_by_id[requirement].done:
        return RequirementStatus.COMPLETED
    statuses = {state.items[item.id].status for item in plan.items_of[requirement]}
    if statuses <= {ItemStatus.VERIFIED}:
        return RequirementStatus.COMPLETED
    for status, verdict in _ENDS:
        if status in statuses:
            return verdict
    untouched = statuses <= {ItemStatus.PENDING, ItemStatus.READY}
    return RequirementStatus.PENDING if untouched else RequirementStatus.IN_PROGRESS


_ENDS = (
    (ItemStatus.FAILED, RequirementStatus.FAILED),
    (ItemStatus.CANCELLED, RequirementStatus.FAILED),
    (ItemStatus.SKIPPED, RequirementStatus.SKIPPED),
    (ItemStatus.BLOCKED, RequirementStatus.BLOCKED),
)
