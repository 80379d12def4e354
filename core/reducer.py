"""How events change the state of a run.

Two rules. An event that its item's status does not allow changes nothing and raises: `LEGAL` is the whole
truth about which moves there are. And the fold looks at nothing but state and event: no clock, no plan.

    pending -> ready -> running -> reported -> verified
                          |  ^        |
                          v  |        v
                     retry_waiting  failed     (pending, ready -> blocked; anything unfinished or failed -> skipped)

Work that is taken over from another run leads from pending to verified at once.
An attempt that fails keeps its status until the next event says what follows; one that was interrupted has no
such event and puts its item back to pending. A resumed run does so with all that was in flight, and a person's
retry with a failed item and with what it blocked, as a new generation.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import JournalError
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.policy import POLICIES, Failure
from prefect_swarm.core.state import AT_WORK, SETTLED, ItemState, ItemStatus, Question, RunState, RunStatus
from prefect_swarm.core.table import Draft

Items = Draft[ItemState]
RunMove = on.RunStarted | on.RunPaused | on.RunResumed | on.RunRewound | on.RunEnded

_WAITING = frozenset({ItemStatus.READY, ItemStatus.RETRY_WAITING, ItemStatus.RATE_LIMITED})
_UNFINISHED = frozenset(ItemStatus) - SETTLED

LEGAL: dict[type[on.ItemEvent], frozenset[ItemStatus]] = {
    on.ItemReady: frozenset({ItemStatus.PENDING}),
    on.AttemptStarted: _WAITING,
    on.AttemptProgressed: frozenset({ItemStatus.RUNNING}),
    on.AttemptReported: frozenset({ItemStatus.RUNNING}),
    on.CheckFinished: frozenset({ItemStatus.REPORTED}),
    on.AttemptFailed: AT_WORK,
    on.RetryScheduled: AT_WORK,
    on.ItemVerified: frozenset({ItemStatus.REPORTED}),
    on.ItemFailed: _UNFINISHED,
    on.ItemBlocked: frozenset({ItemStatus.PENDING, ItemStatus.READY}),
    on.ItemSkipped: _UNFINISHED | {ItemStatus.FAILED, ItemStatus.BLOCKED},
}
"""For each event of an item the statuses in which it may happen."""
TAKEN_OVER = frozenset({ItemStatus.PENDING})
"""The statuses in which an item may be verified by work of another run."""


class IllegalEvent(JournalError):
    """The event cannot follow from the state; nothing was changed."""


def fold(state: RunState, records: Iterable[on.Record]) -> RunState:
    """Apply the records in order. Raises IllegalEvent at the first that cannot follow."""
    items: Items = Draft(state.items)
    record = None
    for record in records:
        event = record.event
        if isinstance(event, on.ItemEvent):
            _change(items, event, record.at)
        else:
            state = _run_after(state, items, event, record.at)
    return state if record is None else replace(state, items=items.table, seq=record.seq, stream=record.stream)


def _change(items: Items, event: on.ItemEvent, at: float) -> None:
    item = _legal(items, event)
    match event:
        case on.ItemReady():
            items.change(item.id, status=ItemStatus.READY, since=at)
        case on.AttemptStarted() | on.AttemptProgressed() | on.AttemptReported():
            _at_work(items, item, event, at=at)
        case on.CheckFinished():
            items.change(item.id, evidence=(*item.evidence, event.evidence))
        case on.AttemptFailed():
            _after_failure(items, item, event, at=at)
        case on.RetryScheduled():
            items.change(item.id, status=ItemStatus.RETRY_WAITING, since=at, due=event.due)
        case _:
            _settle(items, item, event, at=at)


def _legal(items: Items, event: on.ItemEvent) -> ItemState:
    item = _known(items, event, event.item)
    taken_over = isinstance(event, on.ItemVerified) and event.reused is not None
    if item.status not in (TAKEN_OVER if taken_over else LEGAL[type(event)]):
        raise IllegalEvent(f"{event.type}: {event.item} is {item.status}")
    if isinstance(event, on.ItemBlocked):
        _known(items, event, event.cause)
    return item


def _known(items: Items, event: on.Event, name: ItemId) -> ItemState:
    try:
        return items[name]
    except KeyError:
        raise IllegalEvent(f"{event.type}: the plan has no item {name}") from None


def _at_work(
    items: Items, item: ItemState, event: on.AttemptStarted | on.AttemptProgressed | on.AttemptReported, *, at: float
) -> None:
    match event:
        case on.AttemptStarted():
            named = {"attempt": event.attempt, "task_run_id": event.task_run_id, "folder": event.folder}
            begun = {"status": ItemStatus.RUNNING, "since": at, "started": at, "due": None}
            items.change(item.id, **named, **begun, fraction=0.0, message="")
        case on.AttemptProgressed():
            fraction = item.fraction if event.fraction is None else event.fraction
            items.change(item.id, fraction=fraction, message=event.message or item.message)
        case on.AttemptReported():
            made = {"seconds": event.seconds, "summary": event.summary, "files": event.files}
            unproved = {"failure": None, "reason": "", "evidence": (), "output": ""}
            items.change(item.id, status=ItemStatus.REPORTED, since=at, **made, **unproved)
        case _:
            assert_never(event)


def _after_failure(items: Items, item: ItemState, event: on.AttemptFailed, *, at: float) -> None:
    checked = item.evidence if item.status is ItemStatus.REPORTED else ()
    used = item.used + POLICIES[event.failure].counts
    if event.failure is Failure.INTERRUPTED:
        _open(items, item.id, at)
    why = {"failure": event.failure, "reason": event.reason, "output": event.output}
    items.change(item.id, used=used, evidence=checked, **why)


def _settle(
    items: Items,
    item: ItemState,
    event: on.ItemVerified | on.ItemFailed | on.ItemBlocked | on.ItemSkipped,
    *,
    at: float,
) -> None:
    match event:
        case on.ItemVerified():
            _verify(items, item, event, at=at)
        case on.ItemFailed():
            status = ItemStatus.CANCELLED if event.failure is Failure.CANCELLED else ItemStatus.FAILED
            items.change(item.id, status=status, since=at, due=None, failure=event.failure, reason=event.reason)
        case on.ItemBlocked():
            items.change(item.id, status=ItemStatus.BLOCKED, since=at, cause=event.cause, reason=event.reason)
        case on.ItemSkipped():
            items.change(item.id, status=ItemStatus.SKIPPED, since=at, due=None, cause=None, reason=event.reason)
        case _:
            assert_never(event)


def _verify(items: Items, item: ItemState, event: on.ItemVerified, *, at: float) -> None:
    done = {"status": ItemStatus.VERIFIED, "since": at, "fraction": 1.0, "message": "", "reason": "", "failure": None}
    old = event.reused
    if old is None:
        items.change(item.id, **done, reused=None)
    else:
        made = {"seconds": old.seconds, "summary": old.summary, "files": old.files, "evidence": old.evidence}
        items.change(item.id, **done, **made, reused=old.run_id, started=None, output="")


def _run_after(state: RunState, items: Items, event: on.RunEvent, at: float) -> RunState:
    match event:
        case on.RunStarted() | on.RunPaused() | on.RunResumed() | on.RunRewound() | on.RunEnded():
            return _moved(state, items, event, at)
        case on.PlanCompiled() | on.PrefectStateChanged():
            return state
        case on.CheckpointSaved():
            return replace(state, checkpoint=event.number, marked=event.completed)
        case on.InterventionRequested():
            asked = Question(event.question, event.items, event.reason)
            return replace(state, questions=(*state.questions, asked))
        case on.InterventionDecided():
            return _decided(state, items, event, at)
        case on.ErrorOccurred():
            return replace(state, errors=(*state.errors[-9:], event))
        case _:
            assert_never(event)


def _moved(state: RunState, items: Items, event: RunMove, at: float) -> RunState:
    match event:
        case on.RunStarted():
            state = replace(state, status=RunStatus.RUNNING, started=at, max_parallel=event.max_parallel)
            state = replace(state, plan=event.plan)
            return replace(state, output=event.output, flow_run_id=event.flow_run_id, rehearsal=event.rehearsal)
        case on.RunPaused():
            if event.status != "paused":
                _let_go(items, at)
            return replace(state, status=RunStatus(event.status), reason=event.reason)
        case on.RunResumed():
            return _resumed(state, items, event, at)
        case on.RunRewound():
            return _rewound(state, items, event)
        case on.RunEnded():
            _let_go(items, at)
            return replace(state, status=RunStatus(event.outcome), reason=event.reason, ended=at, questions=())
        case _:
            assert_never(event)


def _rewound(state: RunState, items: Items, event: on.RunRewound) -> RunState:
    items.begin_anew(items.get(name) or ItemState(name) for name in event.items)
    for name in event.reopened:
        old = _known(items, event, name)
        items[name] = ItemState(name, generation=old.generation + 1, attempt=old.attempt)
    _unblock(items)
    completed = sum(item.status is ItemStatus.VERIFIED for item in items.values())
    state = replace(state, status=RunStatus.INTERRUPTED, reason=event.reason, ended=None, questions=())
    return replace(state, plan=event.plan, marked=completed)


def _let_go(items: Items, at: float) -> None:
    """Put what was under way back to pending; a retry keeps its time."""
    for key, item in items.items():
        if not item.settled and item.status is not ItemStatus.PENDING:
            _open(items, key, at)


def _open(items: Items, name: ItemId, at: float) -> None:
    items.change(name, status=ItemStatus.PENDING, since=at, fraction=0.0, message="")


def _resumed(state: RunState, items: Items, event: on.RunResumed, at: float) -> RunState:
    _let_go(items, at)
    for key, item in items.items():
        if event.retry_failed and item.status in {ItemStatus.FAILED, ItemStatus.CANCELLED}:
            _renew(items, item)
        elif _cost_nothing(item):
            items.change(key, status=ItemStatus.PENDING, reason="")
    _unblock(items)
    return replace(
        state,
        status=RunStatus.RUNNING,
        reason="",
        ended=None,
        questions=(),
        flow_run_id=event.flow_run_id or state.flow_run_id,
        max_parallel=event.max_parallel or state.max_parallel,
    )


def _cost_nothing(item: ItemState) -> bool:
    return item.status in {ItemStatus.FAILED, ItemStatus.CANCELLED} and not (
        item.failure and POLICIES[item.failure].counts
    )


def _renew(items: Items, item: ItemState) -> None:
    anew = {"generation": item.generation + 1, "used": 0, "due": None, "fraction": 0.0, "message": ""}
    items.change(item.id, status=ItemStatus.PENDING, **anew)


def _unblock(items: Items) -> None:
    """Put back to pending what is blocked by an item that is open again, or that is not in the plan any more."""
    for key, item in items.items():
        if item.status is ItemStatus.BLOCKED and _is_open(items, item.cause):
            items.change(key, status=ItemStatus.PENDING, cause=None, reason="")


def _is_open(items: Items, cause: ItemId | None) -> bool:
    return cause is not None and (cause not in items or not items[cause].settled)


def _decided(state: RunState, items: Items, event: on.InterventionDecided, at: float) -> RunState:
    item = _known(items, event, event.item)
    if item.status not in {ItemStatus.FAILED, ItemStatus.CANCELLED}:
        raise IllegalEvent(f"{event.type}: {event.item} is {item.status}")
    if event.action == "retry":
        _renew(items, item)
        items.change(event.item, guidance=event.guidance)
        _unblock(items)
    else:
        items.change(event.item, status=ItemStatus.SKIPPED, since=at, reason=f"skipped by {event.by}")
    return replace(state, questions=_without(state.questions, event))


def _without(questions: tuple[Question, ...], event: on.InterventionDecided) -> tuple[Question, ...]:
    left = (
        replace(one, items=tuple(item for item in one.items if item != event.item)) if one.id == event.question else one
        for one in questions
    )
    return tuple(one for one in left if one.items)
