"""The loop that asks the core what to do and has it done.

It holds no opinion of its own: `decide` says what is next, `_perform` does it, the effects come back as events.
"""

import time
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import assert_never

from prefect_swarm.core import events as on
from prefect_swarm.core.agenda import Agenda
from prefect_swarm.core.graph import topological_order
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.core.policy import POLICIES, Failure, retry_delay
from prefect_swarm.core.ports import TaskRuns
from prefect_swarm.core.scheduler import Action, Ask, Block, Finish, Interrupt, Limits, Mark, Start, decide
from prefect_swarm.core.state import UNMET, ItemState, ItemStatus, RunState, RunStatus
from prefect_swarm.journal.checkpoints import SnapshotWriter, snapshot_path
from prefect_swarm.tasks.control import Answer, Leaving
from prefect_swarm.tasks.execution import Execution

LOOK = 1.0
"""Seconds after which the loop looks around although nothing was written."""
ADMITTED = 0.1
"""Seconds after which the loop looks again whether those who were admitted have begun."""
LAST_WORDS = 10.0
"""Seconds that the task runs of an ended run are given to end too."""
SHOWN = 200
"""Items that are shown to Prefect at the end at most, beside those that ran."""
LEFT = frozenset({RunStatus.INTERRUPTED, RunStatus.SUSPENDED})
"""Statuses in which a run is left before its end."""


class Conductor:
    """Conducts one run to its end, or to where it is left."""

    def __init__(self, execution: Execution, runs: TaskRuns) -> None:
        """Begin where the run stands; `runs` calls the attempts."""
        self._execution, self._runs = execution, runs
        self._agenda = Agenda(execution.plan, execution.state, execution.ranks)
        self._known = set[ItemId]()  # to `runs`
        self._ended: SimpleQueue[tuple[ItemId, int]] = SimpleQueue()
        self._reused = frozenset(item.id for item in execution.state.items.values() if item.settled)
        path = snapshot_path(Path(execution.state.output), execution.run_id)
        self._snapshots = SnapshotWriter(path, execution.plan, monotonic=time.monotonic)

    def conduct(self) -> RunState:
        """Run until the run has ended or is left; gives its state."""
        execution = self._execution
        state = execution.state
        self._write_snapshot()
        while not (state.status.ended or state.status in LEFT):
            self._heed_control()
            self._agenda.follow(state)
            actions = decide(self._agenda, self._limits(), self._now())
            for action in actions:
                self._perform(action)
            state = execution.state if actions else execution.wait(state.seq, self._patience())
            self._mend()
        self._show_rest(state)
        # Prefect's last words on each task are still on their way to our hooks.
        self._runs.wait(LAST_WORDS if state.status.ended else LOOK)
        return state

    def _heed_control(self) -> None:
        """Let nobody in any more while the run drains. Raises what has made it impossible to go on."""
        control = self._execution.control
        if control.trouble is not None:
            raise control.trouble
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

    def _patience(self) -> float:
        due = self._agenda.next_due(self._now())
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
        leaving = self._execution.control.leaving
        suspended = leaving is Leaving.SUSPENDED
        self._execution.record(on.RunPaused(status="suspended" if suspended else "interrupted", reason=leaving))
        self._write_snapshot()

    def _start(self, item: WorkItem) -> None:
        state = self._execution.state.items[item.id]
        self._execution.record(on.ItemReady(item=item.id))
        settings = self._execution.settings
        left = max(0, item.retries - state.used)
        delays = tuple(retry_delay(state.used + n, settings.retry_delays) for n in range(1, left + 1))
        for one in item.depends_on:
            if one not in self._known:  # it was settled before this executor came
                self._show(self._execution.plan.item_by_id[one])
        self._known.add(item.id)
        ended = partial(self._note_end, item.id, state.generation)
        self._runs.begin(item, state.generation, delays=delays, ended=ended)

    def _note_end(self, item: ItemId, generation: int) -> None:
        self._ended.put((item, generation))
        self._execution.poke()

    def _mark(self, completed: int) -> None:
        execution = self._execution
        number = execution.state.checkpoint + 1
        digest = execution.journal.last(execution.run_id)[1]
        execution.record(on.CheckpointSaved(number=number, completed=completed, digest=digest))
        self._write_snapshot(cheaply=True)

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
            why = self._runs.last_words(item) or "its task ended without a result"
            policy = POLICIES[Failure.INTERRUPTED]
            self._execution.record(
                on.ItemFailed(
                    item=item, failure=Failure.INTERRUPTED, reason=f"engine error: {why}"[:1000], remedy=policy.remedy
                )
            )

    def _show_rest(self, state: RunState) -> None:
        """Show every item without a task run with the reason, so that Prefect's graph is the plan's."""
        if state.status.ended:
            plan = self._execution.plan
            rest = [item for item in topological_order(plan) if item not in self._known]
            for item in rest[:SHOWN]:
                self._show(plan.item_by_id[item])

    def _show(self, item: WorkItem) -> None:
        name, message = _shown(self._execution.state.items[item.id], reused=item.id in self._reused)
        self._known.add(item.id)
        self._runs.show(item, name, message)


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
