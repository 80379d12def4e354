"""Histories for tests of the core: records told by hand, and any legal history that hypothesis can think of."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from prefect_swarm.core import events as on
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.requirement import Priority
from prefect_swarm.core.state import AT_WORK, ItemState, ItemStatus, RunState, initial_state
from prefect_swarm.testing.plans import Part, plan_of

RUN = RunId("run-1")
PASSED = on.Evidence(title="file: a.txt", kind="file", passed=True)
REFUSED = on.Evidence(title="file: a.txt", kind="file", passed=False, output="nothing at a.txt")


def item(name: str) -> ItemId:
    """Name the item of a part."""
    return ItemId(f"{name}/fake")


def told(state: RunState, *events: on.Event, at: float = 0.0) -> RunState:
    """Fold events as the next records of a run."""
    return fold(state, [on.Record(RUN, 1, state.seq + n, at, event) for n, event in enumerate(events, 1)])


def started(plan: Plan, *events: on.Event) -> RunState:
    """Give the state of a run that has begun, after further events."""
    return told(initial_state(RUN, plan), on.RunStarted(plan=plan.digest, max_parallel=3), *events)


def begun(name: str, attempt: int = 1) -> tuple[on.Event, ...]:
    """Have an item wait for its slot and be worked on."""
    return on.ItemReady(item=item(name)), on.AttemptStarted(item=item(name), attempt=attempt)


def reported(name: str, attempt: int = 1, *, seconds: float = 1.0) -> on.AttemptReported:
    """Have an agent say that it is done."""
    return on.AttemptReported(item=item(name), attempt=attempt, seconds=seconds)


def verified(name: str, *, seconds: float = 1.0) -> tuple[on.Event, ...]:
    """Have an item done at its first attempt."""
    done = on.ItemVerified(item=item(name), attempt=1, seconds=seconds)
    return *begun(name), reported(name, seconds=seconds), done


def failed(name: str, failure: Failure = Failure.AGENT_FAILED) -> tuple[on.Event, ...]:
    """Have an item fail for good at its first attempt."""
    return *begun(name), *_lost(item(name), 1, failure)


def _lost(one: ItemId, attempt: int, failure: Failure) -> tuple[on.Event, ...]:
    return (
        on.AttemptFailed(item=one, attempt=attempt, failure=failure, reason="broke"),
        on.ItemFailed(item=one, failure=failure, reason="broke", remedy="mend it"),
    )


@dataclass(frozen=True, slots=True)
class History:
    """A plan and what happened in its run."""

    plan: Plan
    records: tuple[on.Record, ...]

    def states(self) -> Iterator[RunState]:
        """Give the state before the first record and after each."""
        state = initial_state(RUN, self.plan)
        yield state
        for record in self.records:
            state = fold(state, [record])
            yield state


@st.composite
def plans(draw: st.DrawFn, *, most: int = 6) -> Plan:
    """Any small plan without cycles: each item may wait for any before it."""
    count = draw(st.integers(1, most))
    return plan_of(*(draw(_parts(number)) for number in range(count)))


@st.composite
def _parts(draw: st.DrawFn, number: int) -> Part:
    needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set[int]()
    return Part(
        f"P{number}",
        needs=tuple(f"P{one}" for one in sorted(needs)),
        priority=draw(st.sampled_from(Priority)),
        retries=draw(st.integers(0, 2)),
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any history of a small plan whose every step the reducer allows, whether a scheduler would do it or not."""
    plan = draw(plans(most=4))
    state, records = initial_state(RUN, plan), list[on.Record]()
    for choice in draw(st.lists(st.integers(0, 10_000), max_size=50)):
        steps = [*_item_steps(state), *_run_steps(state)]
        for event in steps[choice % len(steps)]:
            records.append(on.Record(RUN, 1, state.seq + 1, float(state.seq), event))
            state = fold(state, records[-1:])
    return History(plan, tuple(records))


def _item_steps(state: RunState) -> Iterator[tuple[on.Event, ...]]:
    for one in state.items.values():
        yield from _steps(one)


def _steps(one: ItemState) -> Iterator[tuple[on.Event, ...]]:
    number = one.attempt
    match one.status:
        case ItemStatus.PENDING:
            yield (on.ItemReady(item=one.id),)
            yield (on.ItemVerified(item=one.id, attempt=0, seconds=0.0, reused=on.Reused(run_id=RUN)),)
            yield (on.ItemBlocked(item=one.id, cause=item("P0"), reason="waits"),)
        case ItemStatus.READY | ItemStatus.RETRY_WAITING:
            yield (on.AttemptStarted(item=one.id, attempt=number + 1),)
        case ItemStatus.RUNNING:
            yield (on.AttemptProgressed(item=one.id, attempt=number, fraction=0.5),)
            yield (on.AttemptReported(item=one.id, attempt=number, seconds=1.0),)
        case ItemStatus.REPORTED:
            yield (on.CheckFinished(item=one.id, attempt=number, evidence=PASSED),)
            yield (on.ItemVerified(item=one.id, attempt=number, seconds=1.0),)
        case _:
            return
    if one.status in AT_WORK:
        broke = on.AttemptFailed(item=one.id, attempt=number, failure=Failure.TIMED_OUT, reason="late")
        yield broke, on.RetryScheduled(item=one.id, attempt=number + 1, delay=1, due=1)
        for failure in Failure:
            yield _lost(one.id, number, failure)


def _run_steps(state: RunState) -> Iterator[tuple[on.Event, ...]]:
    yield (on.RunStarted(plan="sha256:0", max_parallel=2),)
    yield (on.RunPaused(status="interrupted", reason="stopped"),)
    yield (on.RunPaused(status="paused", reason="a person said so"),)
    yield (on.RunResumed(reason="it was interrupted"),)
    yield (on.RunResumed(reason="it was failed", retry_failed=True),)
    yield (on.CheckpointSaved(number=state.checkpoint + 1, completed=1, digest="0" * 64),)
    settled = tuple(one.id for one in state.items.values() if one.settled)
    names = tuple(state.items)
    yield (on.RunRewound(to=state.checkpoint, reason="again", plan="sha256:0", items=names, reopened=settled[:2]),)
    for one in state.items.values():
        if one.status in {ItemStatus.FAILED, ItemStatus.CANCELLED}:
            yield (on.InterventionRequested(question="q", items=(one.id,), reason="broke"),)
            yield (on.InterventionDecided(question="q", item=one.id, action="retry", by="me"),)
            yield (on.InterventionDecided(question="q", item=one.id, action="skip", by="me"),)


def standing(state: RunState, **statuses: ItemStatus) -> RunState:
    """Put items, named by their parts, at statuses, whatever led there."""
    moved = {item(name): replace(state.items[item(name)], status=status) for name, status in statuses.items()}
    return replace(state, items=state.items.with_entries(moved))
