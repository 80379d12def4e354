"""The loop that asks the core what to do and has it done.

It holds no opinion of its own: `decide` says what is next, `_perform` does it, the effects come back as events.
"""

import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, assert_never

from prefect import Task, allow_failure, task
from prefect.client.schemas.objects import State, StateDetails
from prefect.futures import PrefectFuture, wait
from prefect.states import Cancelled, Completed

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Fenced
from prefect_swarm.core.graph import topological_order
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.core.policy import POLICIES, Failure, retry_delay
from prefect_swarm.core.scheduler import Action, Ask, Block, Finish, Interrupt, Limits, Mark, Start, decide, next_due
from prefect_swarm.core.state import UNMET, ItemState, ItemStatus, RunState, RunStatus
from prefect_swarm.journal.checkpoints import SnapshotWriter, snapshot_path
from prefect_swarm.journal.failpoint import failpoint
from prefect_swarm.tasks.attempt import attempt
from prefect_swarm.tasks.control import Answer
from prefect_swarm.tasks.execution import Execution

LOOK = 1.0
"""Seconds after which the loop looks around although nothing was written."""
ADMITTED = 0.1
"""Seconds after which the loop looks again whether those who were admitted have begun."""
LAST_WORDS = 10.0
"""Seconds that the task runs of an ended run are given to end too."""
SHOWN = 200
"""Items that are shown to Prefect at the end at most, beside those that ran."""


@task(name="item", persist_result=False)
def settled_item(name: str, message: str) -> State[Any]:
    """Show an item that does not run in Prefect's graph, with its name and reason."""
    if name in {"Skipped", "Reused"}:
        return Completed(name=name, message=message)
    return Cancelled(name=name, message=message)


class Conductor:
    """Conducts one run to its end, or to where it is left."""

    def __init__(self, execution: Execution) -> None:
        """Begin where the run stands."""
        self._execution = execution
        self._futures: dict[ItemId, PrefectFuture[Any]] = {}
        self._ended: SimpleQueue[tuple[ItemId, int]] = SimpleQueue()
        self._reused = frozenset(item.id for item in execution.state.items.values() if item.settled)
        path = snapshot_path(Path(execution.state.output), execution.run_id)
        self._snapshots = SnapshotWriter(path, execution.plan, monotonic=time.monotonic)

    def conduct(self) -> RunState:
        """Run until the run has ended or is left; gives its state."""
        execution = self._execution
        state = execution.state
        self._write_snapshot()
        while not (state.status.ended or state.status is RunStatus.INTERRUPTED):
            self._heed_control()
            actions = decide(execution.plan, state, self._limits(), execution.ranks, self._now())
            for action in actions:
                self._perform(action)
            state = execution.state if actions else execution.wait(state.seq, self._patience(state))
            self._mend()
        self._show_rest(state)
        # Prefect's last words on each task are still on their way to our hooks.
        wait(list(self._futures.values()), timeout=LAST_WORDS if state.status.ended else LOOK)
        return state

    def _heed_control(self) -> None:
        """Let nobody in any more while the run drains. Raises Fenced where the run is lost to another executor."""
        control = self._execution.control
        if control.lost.is_set():
            raise Fenced(f"run {self._execution.run_id} was taken over by another executor")
        if control.draining.is_set():
            self._execution.gate.close()

    def _limits(self) -> Limits:
        control, settings = self._execution.control, self._execution.settings
        return Limits(
            settings.max_parallel,
            settings.checkpoint_every,
            draining=control.draining.is_set(),
            ask=control.questioner is not None,
        )

    def _patience(self, state: RunState) -> float:
        due = next_due(state, self._now())
        return LOOK if due is None else min(LOOK, due)

    def _now(self) -> float:
        return self._execution.journal.clock()

    def _perform(self, action: Action) -> None:
        record = self._execution.record
        match action:
            case Start():
                self._start(action.item)
            case Block():
                record(on.ItemBlocked(item=action.item.id, cause=action.cause, reason=action.reason))
            case Mark():
                self._mark(action.completed)
            case Ask():
                self._ask(action.items)
            case Interrupt():
                self._interrupt()
            case Finish():
                record(on.RunEnded(outcome=action.outcome, reason=action.reason))
                self._write_snapshot()
            case _:
                assert_never(action)

    def _interrupt(self) -> None:
        """Leave the run, unless somebody who was admitted a moment ago is about to begin."""
        if self._execution.gate.inside:
            self._execution.wait(self._execution.state.seq, ADMITTED)
            return
        self._execution.record(on.RunPaused(status="interrupted", reason="stopped by its operator"))
        self._write_snapshot()

    def _start(self, item: WorkItem) -> None:
        state = self._execution.state.items[item.id]
        self._execution.record(on.ItemReady(item=item.id))
        settings = self._execution.settings
        left = max(0, item.retries - state.used)
        delays = [retry_delay(state.used + n, settings.retry_delays) for n in range(1, left + 1)]
        prepared: Task[..., Any] = attempt.with_options(
            task_run_name=item.id, retries=left, retry_delay_seconds=delays or 0
        )
        upstream = [self._future(one) for one in item.depends_on]
        future: PrefectFuture[Any] = prepared.submit(  # pyright: ignore[reportUnknownMemberType]
            self._execution.run_id, item.id, state.generation, wait_for=upstream
        )
        self._futures[item.id] = future
        future.add_done_callback(lambda _done: self._note_end(item.id, state.generation))

    def _note_end(self, item: ItemId, generation: int) -> None:
        self._ended.put((item, generation))
        self._execution.poke()

    def _future(self, item: ItemId) -> Any:
        """The future of an item's task run; an item of an earlier flow run is shown as reused first."""
        if item not in self._futures:
            self._show(self._execution.plan.item_by_id[item])
        return allow_failure(self._futures[item])

    def _mark(self, completed: int) -> None:
        execution = self._execution
        failpoint("before_checkpoint")
        number = execution.state.checkpoint + 1
        digest = execution.journal.last(execution.run_id)[1]
        execution.record(on.CheckpointSaved(number=number, completed=completed, digest=digest))
        self._write_snapshot(cheaply=True)
        failpoint("after_checkpoint")

    def _write_snapshot(self, *, cheaply: bool = False) -> None:
        """Write the checkpoint file; a full disk there is told, and does not stop a run whose truth is the journal."""
        write = self._snapshots.write_if_cheap if cheaply else self._snapshots.write
        try:
            write(self._execution.state, self._now())
        except OSError as error:
            self._execution.record(
                on.ErrorOccurred(
                    where="the checkpoint file",
                    message=f"{error.filename or ''} {error.strerror}".strip(),
                    remedy="free space, or resume by the run's id: the journal has everything",
                )
            )

    def _ask(self, items: tuple[ItemId, ...]) -> None:
        """Ask a person about failed items; what is not answered stays failed."""
        execution = self._execution
        number = execution.state.seq + 1
        reason = "; ".join(f"{one}: {execution.state.items[one].reason}" for one in items)[:2000]
        execution.record(on.InterventionRequested(question=f"q{number}", items=items, reason=reason))
        self._write_snapshot()
        questioner = execution.control.questioner
        answers = questioner(execution.state.questions[-1], execution.state) if questioner else ()
        if any(answer.action == "abort" for answer in answers):
            execution.record(on.RunEnded(outcome="aborted", reason="aborted by a person"))
            return
        execution.record(*_decisions(f"q{number}", items, answers))

    def _mend(self) -> None:
        """An attempt whose task ended without a word to the journal was lost to an error of the engine."""
        while not self._ended.empty():
            item, generation = self._ended.get()
            state = self._execution.state.items[item]
            superseded = state.generation != generation  # a person has the item done anew meanwhile
            if state.settled or superseded or self._execution.control.draining.is_set():
                continue
            said = self._futures[item].state.message or "its task ended without a result"
            policy = POLICIES[Failure.INTERRUPTED]
            self._execution.record(
                on.ItemFailed(
                    item=item, failure=Failure.INTERRUPTED, reason=f"engine error: {said}"[:1000], remedy=policy.remedy
                )
            )

    # -- what Prefect is shown -------------------------------------------------------------------------------

    def _show_rest(self, state: RunState) -> None:
        """Give every item without a task run one that says why, so that Prefect's graph is the plan's."""
        if state.status.ended:
            plan = self._execution.plan
            rest = [item for item in topological_order(plan) if item not in self._futures]
            for item in rest[:SHOWN]:
                self._show(plan.item_by_id[item])

    def _show(self, item: WorkItem) -> None:
        name, message = _shown(self._execution.state.items[item.id], reused=item.id in self._reused)
        prepared: Task[..., Any] = settled_item.with_options(task_run_name=item.id)
        upstream: list[Any] = [_edge_to(self._futures[one]) for one in item.depends_on if one in self._futures]
        future: PrefectFuture[Any] = prepared.submit(  # pyright: ignore[reportUnknownMemberType]
            name, message, wait_for=upstream
        )
        self._futures[item.id] = future


def _edge_to(future: PrefectFuture[Any]) -> State[Any]:
    """A stand-in for a future: `wait_for` shows the edge, and does not refuse an upstream that was cancelled."""
    return Completed(data="shown", state_details=StateDetails(task_run_id=future.task_run_id))


def _shown(item: ItemState, *, reused: bool) -> tuple[str, str]:
    if item.status is ItemStatus.VERIFIED and item.reused:
        return "Reused", f"finished in run {item.reused}"
    if item.status is ItemStatus.VERIFIED:
        return "Reused", "verified earlier in this run" if reused else "verified"
    if item.status is ItemStatus.SKIPPED:
        return "Skipped", item.reason
    if item.status in UNMET:
        return item.status.value.capitalize(), item.reason
    return "Open", item.reason


def _decisions(question: str, items: tuple[ItemId, ...], answers: tuple[Answer, ...]) -> list[on.Event]:
    """Turn answers into events; a question without an answer for an item is answered by skipping it."""
    given = {answer.item: answer for answer in answers}
    found: list[on.Event] = []
    for item in items:
        answer = given.get(item)
        retried = answer is not None and answer.action == "retry"
        found.append(
            on.InterventionDecided(
                question=question,
                item=item,
                action="retry" if retried else "skip",
                by="terminal",
                guidance=answer.guidance if answer else "",
            )
        )
    return found
