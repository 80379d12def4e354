"""How a run's history goes on: from its end, from an earlier checkpoint, with another plan, or as another run.

Each way is a `Turn`: the plan from there on and the events to write. Nothing here writes them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prefect_swarm.core import events as on
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.reuse import Past, Verdict, Work, judge
from prefect_swarm.core.state import ItemState, ItemStatus, RunState, initial_state

LOST = frozenset({ItemStatus.FAILED, ItemStatus.CANCELLED})
"""What is tried anew when a run that had ended goes on."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A checkpoint of a run."""

    number: int
    seq: int
    at: float
    completed: int
    total: int
    """Items of the plan that was in force."""
    digest: str
    rewound: bool = False
    """Later history went back to before it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is written before a run goes on; without events it simply goes on."""

    plan: Plan
    events: tuple[on.Event, ...] = ()
    reasons: Mapping[ItemId, str] = field(default_factory=dict[ItemId, str])
    """Why items run again."""
    moved: Mapping[ItemId, ItemId] = field(default_factory=dict[ItemId, ItemId])
    """Items that are done by the work of an item of another id, and that id."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a run that takes over finished work begins."""

    run_id: RunId
    output: str
    max_parallel: int
    reason: str


def marks_of(records: Iterable[on.Record], planned: int) -> tuple[Mark, ...]:
    """Give the checkpoints of a run in their order; `planned` is how many items its first plan has."""
    marks: list[Mark] = []
    dead: set[int] = set()
    for record in records:
        match record.event:
            case on.CheckpointSaved(number=number, completed=completed, digest=digest):
                marks.append(Mark(number, record.seq, record.at, completed, planned, digest))
            case on.RunRewound(to=to, items=items):
                planned = len(items)
                dead |= {mark.number for mark in marks if 0 < to < mark.number}
            case _:
                pass
    return tuple(
        Mark(one.number, one.seq, one.at, one.completed, one.total, one.digest, rewound=one.number in dead)
        for one in marks
    )


def go_back(now: Past, then: Past, number: int) -> Turn:
    """Go back to a checkpoint: whatever was settled after it is pending again; what failed is tried anew as ever."""
    reasons = {name: f"{now.state.items[name].status} after checkpoint {number}" for name in _settled_since(now, then)}
    retried, state = _retried(now.state)
    reopened = [name for name in reasons if state.items[name].settled]
    if not reopened:
        return Turn(now.plan)
    rewound = _rewound(now.plan, reopened, to=number, reason=f"back to checkpoint {number}")
    return Turn(now.plan, (*retried, rewound), reasons)


def take_in(now: Past, plan: Plan, missing: frozenset[str], *, then: Past | None = None, number: int = 0) -> Turn:
    """Go on with another plan: finished work that still counts is kept, whatever changed is pending again.

    With `then`, which was checkpoint `number`, history goes back to there first, and finished work of both counts.
    """
    verdicts = judge(plan, (now, then) if then else (now,), missing)
    retried, state = _retried(now.state)
    mine = {item.id: state.items[item.id] for item in plan.items if item.id in state.items}
    stays = {name for name, item in mine.items() if _done_by(verdicts[name], item)}
    void = {name for name, one in verdicts.items() if now.keys.get(name) != one.key}
    void |= {name for name, item in mine.items() if _finished(verdicts[name], item)}
    void |= set(_settled_since(now, then) if then else ())
    void -= stays
    reopened = [name for name, item in mine.items() if name in void and not _untouched(item)]
    taken = tuple(_taken_over(name, one.work) for name, one in verdicts.items() if one.work and name not in stays)
    if not (reopened or taken) and _same(now.plan, plan):
        return Turn(now.plan)
    reason = (
        f"back to checkpoint {number}, keeping what still counts" if then else "the requirements were taken in anew"
    )
    rewound = _rewound(plan, reopened, to=number, reason=reason)
    return Turn(plan, (*retried, rewound, *taken), _reasons(verdicts), _moved(verdicts))


def _same(before: Plan, after: Plan) -> bool:
    """Whether two plans say the same; how their warnings name the files does not matter."""
    return before.model_dump(exclude={"warnings"}) == after.model_dump(exclude={"warnings"})


def _retried(state: RunState) -> tuple[tuple[on.Event, ...], RunState]:
    """What failed in a run that had ended is tried anew, whichever way the run goes on."""
    if not (state.status.ended and state.count(*LOST)):
        return (), state
    resumed = on.RunResumed(reason=f"it was {state.status}", retry_failed=True)
    return (resumed,), _told(state, (resumed,))


def _settled_since(now: Past, then: Past) -> tuple[ItemId, ...]:
    return tuple(item.id for item in now.state.items.values() if item.settled and not _stood_so(then, item))


def _stood_so(then: Past, item: ItemState) -> bool:
    old = then.state.items.get(item.id)
    return old is not None and (old.status, old.generation) == (item.status, item.generation)


def _done_by(verdict: Verdict, item: ItemState) -> bool:
    return verdict.work is not None and verdict.work.item is item


def _finished(verdict: Verdict, item: ItemState) -> bool:
    """Whether other work stands for the item, or its own does not count any more."""
    return verdict.work is not None or item.status is ItemStatus.VERIFIED


def _untouched(item: ItemState) -> bool:
    return item.status is ItemStatus.PENDING and item.attempt == 0


def _rewound(plan: Plan, reopened: Iterable[ItemId], *, to: int, reason: str) -> on.RunRewound:
    items = tuple(item.id for item in plan.items)
    return on.RunRewound(to=to, reason=reason, plan=plan.digest, items=items, reopened=tuple(reopened))


def _taken_over(name: ItemId, work: Work) -> on.ItemVerified:
    old = work.item
    reused = on.Reused(
        run_id=work.run_id, seconds=old.seconds, summary=old.summary, files=old.files, evidence=old.evidence
    )
    return on.ItemVerified(item=name, attempt=0, seconds=0.0, reused=reused)


def _reasons(verdicts: Mapping[ItemId, Verdict]) -> dict[ItemId, str]:
    return {name: verdict.why for name, verdict in verdicts.items() if verdict.why}


def _moved(verdicts: Mapping[ItemId, Verdict]) -> dict[ItemId, ItemId]:
    return {name: one.work.item.id for name, one in verdicts.items() if one.work and one.work.item.id != name}


def begin_with(start: Start, plan: Plan, pasts: tuple[Past, ...], missing: frozenset[str]) -> Turn:
    """Begin another run, or one that the journal has lost: finished work that still counts is taken over."""
    verdicts = judge(plan, pasts, missing)
    taken = (_taken_over(name, one.work) for name, one in verdicts.items() if one.work)
    events = (
        on.PlanCompiled(plan=plan.digest, requirements=len(plan.requirements), items=len(plan.items)),
        on.RunStarted(plan=plan.digest, max_parallel=start.max_parallel, rehearsal=plan.rehearsal, output=start.output),
        *taken,
        on.RunPaused(status="interrupted", reason=start.reason),
    )
    return Turn(plan, events, _reasons(verdicts), _moved(verdicts))


def outcome(turn: Turn, now: RunState) -> RunState:
    """Give the state in which a run goes on after a turn: as the executor that resumes it will find it."""
    begun = any(isinstance(event, on.RunStarted) for event in turn.events)
    state = initial_state(now.run_id, turn.plan) if begun else now
    state = _told(state, turn.events)
    return _told(state, (on.RunResumed(reason="", retry_failed=state.status.ended),))


def _told(state: RunState, events: Iterable[on.Event]) -> RunState:
    """Fold events of which nobody will ask when they were."""
    return fold(state, [on.Record(state.run_id, state.stream, state.seq, 0.0, event) for event in events])
