"""What can happen in a run, in past participles; a run's history is a sequence of these and nothing else.

On the wire and in the journal an event is `type` (its class name in snake case) and `data`.
Times are seconds since 1970 (UTC), durations seconds.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import Field, JsonValue

from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.requirement import Value

TAIL = 4_000
"""Characters of a program's output that evidence keeps."""


class Evidence(Value):
    """What one check saw."""

    title: str
    kind: str
    passed: bool
    broken: bool = Field(default=False, description="The check itself could not be run.")
    rehearsed: bool = Field(default=False, description="Nothing was checked; the scenario of a rehearsal said so.")
    command: tuple[str, ...] = ()
    exit_code: int | None = None
    output: str = Field(default="", description="Tail of what the check printed.")
    seconds: float = 0.0
    digests: dict[str, str] = {}


class FileChange(Value):
    """A file that an attempt created, changed or deleted; path relative to the workspace."""

    path: str
    change: Literal["created", "changed", "deleted"]
    size: int = 0
    sha256: str = ""


class Reused(Value):
    """Finished work that was not done anew: what is known of it, and whose it was."""

    run_id: RunId
    seconds: float | None = None
    summary: str = ""
    files: tuple[FileChange, ...] = ()
    evidence: tuple[Evidence, ...] = ()


class RunStarted(Value):
    """An executor began the run."""

    type: Literal["run_started"] = "run_started"
    plan: str
    max_parallel: int
    flow_run_id: str | None = None
    rehearsal: bool = False
    output: str = Field(default="", description="Absolute output folder; attempts work here.")


class PlanCompiled(Value):
    """The plan of the run is fixed; its text is stored under its digest."""

    type: Literal["plan_compiled"] = "plan_compiled"
    plan: str
    requirements: int
    items: int


class RunPaused(Value):
    """No new work is started: paused by a person, suspended, or interrupted."""

    type: Literal["run_paused"] = "run_paused"
    status: Literal["paused", "suspended", "interrupted"]
    reason: str


class RunResumed(Value):
    """Work goes on; attempts that were in flight are lost and cost nothing."""

    type: Literal["run_resumed"] = "run_resumed"
    reason: str
    flow_run_id: str | None = None
    max_parallel: int | None = None
    retry_failed: bool = Field(
        default=False, description="Failed items get a new generation, as a person asked for it."
    )


class RunRewound(Value):
    """History goes on from an earlier point, or with another plan: a new stream of the same run begins here."""

    type: Literal["run_rewound"] = "run_rewound"
    to: int = Field(description="Number of the checkpoint that is gone back to; 0: none, work is only compared.")
    reason: str
    plan: str = Field(description="Digest of the plan from here on.")
    items: tuple[ItemId, ...] = Field(description="The items of that plan, in its order.")
    reopened: tuple[ItemId, ...] = Field(description="Items that are pending again, as a new generation.")


End = Literal["completed", "completed_with_failures", "failed", "aborted", "cancelled", "blocked"]
"""How a run can end."""


class RunEnded(Value):
    """The run is over."""

    type: Literal["run_ended"] = "run_ended"
    outcome: End
    reason: str = ""


class ItemReady(Value):
    """Everything the item waits for is verified; it waits for a slot."""

    type: Literal["item_ready"] = "item_ready"
    item: ItemId


class ItemVerified(Value):
    """The engine's checks passed: the item is done, for good."""

    type: Literal["item_verified"] = "item_verified"
    item: ItemId
    attempt: int
    seconds: float
    reused: Reused | None = Field(default=None, description="Set where the work was taken over and nobody worked.")


class ItemFailed(Value):
    """The item will not be tried again by itself."""

    type: Literal["item_failed"] = "item_failed"
    item: ItemId
    failure: Failure
    reason: str
    remedy: str


class ItemBlocked(Value):
    """The item cannot start because `cause` failed or was skipped."""

    type: Literal["item_blocked"] = "item_blocked"
    item: ItemId
    cause: ItemId
    reason: str


class ItemSkipped(Value):
    """A person (or the default at a deadline) decided to go on without the item."""

    type: Literal["item_skipped"] = "item_skipped"
    item: ItemId
    reason: str


class AttemptStarted(Value):
    """An agent began to work on the item."""

    type: Literal["attempt_started"] = "attempt_started"
    item: ItemId
    attempt: int
    task_run_id: str | None = None
    folder: str = Field(default="", description="Where prompt, result and log of the attempt lie.")


class AttemptProgressed(Value):
    """The agent said how far it is, or what it is doing."""

    type: Literal["attempt_progressed"] = "attempt_progressed"
    item: ItemId
    attempt: int
    fraction: float | None = Field(default=None, ge=0, le=1)
    message: str = ""


class AttemptReported(Value):
    """The agent says that it is done; nothing is proved yet."""

    type: Literal["attempt_reported"] = "attempt_reported"
    item: ItemId
    attempt: int
    seconds: float
    summary: str = ""
    files: tuple[FileChange, ...] = ()


class CheckFinished(Value):
    """The engine ran one check of the item."""

    type: Literal["check_finished"] = "check_finished"
    item: ItemId
    attempt: int
    evidence: Evidence


class AttemptFailed(Value):
    """The attempt did not lead to verified work."""

    type: Literal["attempt_failed"] = "attempt_failed"
    item: ItemId
    attempt: int
    failure: Failure
    reason: str
    output: str = Field(default="", description="Tail of what the agent printed.")


class RetryScheduled(Value):
    """The item will be tried again at `due`."""

    type: Literal["retry_scheduled"] = "retry_scheduled"
    item: ItemId
    attempt: int = Field(description="The attempt that will come.")
    delay: float
    due: float


class CheckpointSaved(Value):
    """A numbered mark: everything up to here can be gone back to."""

    type: Literal["checkpoint_saved"] = "checkpoint_saved"
    number: int
    completed: int
    digest: str = Field(description="Checksum of the journal's chain of records up to this mark.")


class InterventionRequested(Value):
    """The engine asks a person what to do about failed items."""

    type: Literal["intervention_requested"] = "intervention_requested"
    question: str
    items: tuple[ItemId, ...]
    reason: str


class InterventionDecided(Value):
    """A person answered for one item: `retry` is a new generation, `skip` goes on without it."""

    type: Literal["intervention_decided"] = "intervention_decided"
    question: str
    item: ItemId
    action: Literal["retry", "skip"]
    by: str
    guidance: str = ""


class ErrorOccurred(Value):
    """Something went wrong beside the agents' work; the run goes on."""

    type: Literal["error_occurred"] = "error_occurred"
    where: str
    message: str
    remedy: str = ""


class PrefectStateChanged(Value):
    """Prefect announced a state of the flow run or of an item's task run."""

    type: Literal["prefect_state_changed"] = "prefect_state_changed"
    flow_run_id: str
    task_run_id: str | None = None
    item: ItemId | None = None
    state_type: str
    name: str


ItemEvent = (
    ItemReady
    | ItemVerified
    | ItemFailed
    | ItemBlocked
    | ItemSkipped
    | AttemptStarted
    | AttemptProgressed
    | AttemptReported
    | CheckFinished
    | AttemptFailed
    | RetryScheduled
)
"""What happens to one item."""

RunEvent = (
    RunStarted
    | PlanCompiled
    | RunPaused
    | RunResumed
    | RunRewound
    | RunEnded
    | CheckpointSaved
    | InterventionRequested
    | InterventionDecided
    | ErrorOccurred
    | PrefectStateChanged
)
"""What happens to the run as a whole."""

Event = ItemEvent | RunEvent
_KINDS: dict[str, type[Event]] = {kind.model_fields["type"].default: kind for kind in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the journal."""

    run_id: RunId
    stream: int
    """Changes only when history does (rewind, restore)."""
    seq: int
    """1, 2, 3, ... without gaps within a run."""
    at: float
    event: Event

    def wire(self) -> dict[str, JsonValue]:
        """Give the envelope as it travels: run_id, stream, seq, at, type, data."""
        data = self.event.model_dump(mode="json")
        kind = data.pop("type")
        return {
            "run_id": self.run_id,
            "stream": self.stream,
            "seq": self.seq,
            "at": self.at,
            "type": kind,
            "data": data,
        }


def event_from(kind: str, data: str) -> Event:
    """Read an event back from its type and its data as JSON.

    Raises ValueError where nobody here knows the type, pydantic.ValidationError (which is one) where data do not fit.
    """
    found = _KINDS.get(kind)
    if found is None:
        raise ValueError(f"no event is called {kind}")
    return found.model_validate_json(data)
