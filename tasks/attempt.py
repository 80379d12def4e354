"""One attempt of one work item: gate, slot, context, agent, checks, and the commit to the journal.

Nothing here knows Prefect: whoever calls an attempt (`tasks/task`, or a thread of the test kit) owns when a retry
is due; the gate owns whether it may run.
"""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prefect_swarm.agents.environment import environment_for
from prefect_swarm.agents.runners import runner_for
from prefect_swarm.agents.storage import writing
from prefect_swarm.core import events as on
from prefect_swarm.core.errors import StorageFailed, SwarmError, Unavailable
from prefect_swarm.core.events import Evidence
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.core.policy import POLICIES, Failure, may_retry, retry_delay
from prefect_swarm.core.ports import Assignment, Outcome, Report
from prefect_swarm.core.roster import RunnerSpec
from prefect_swarm.core.state import ItemState
from prefect_swarm.journal.failpoint import failpoint
from prefect_swarm.journal.home import run_folder
from prefect_swarm.tasks.checks import rehearsed, run_check
from prefect_swarm.tasks.context import prompt_for
from prefect_swarm.tasks.execution import Execution
from prefect_swarm.tasks.workspace import changes, list_files

PROGRESS_EVERY = 0.5
"""Seconds between two progress events of an attempt at least."""

Log = logging.Logger | logging.LoggerAdapter[Any]
"""Where an attempt tells people what it does: the log of its task run where there is one."""


class AttemptFailed(SwarmError):
    """The attempt did not lead to verified work; `retried` says whether it is to be tried again."""

    def __init__(self, message: str, *, retried: bool) -> None:
        """Keep what the retry condition looks at."""
        super().__init__(message)
        self.retried = retried


def attempt(execution: Execution, item: WorkItem, *, task_run_id: str, log: Log) -> int:
    """Work on an item until it is verified: gives the seq of the commit.

    Raises AttemptFailed, whose effects are in the journal, Closed where the run takes no new work, or StorageFailed
    where what the attempt needs or did cannot be written; the run is given up then.
    """
    with execution.gate.enter(item.id), execution.slots.hold(item.agent):
        try:
            with writing(run_folder(execution.settings, execution.run_id)):
                return _Attempt(execution, item, task_run_id=task_run_id, log=log).work()
        except StorageFailed as trouble:
            execution.control.give_up(trouble)
            raise


class _Attempt:
    """The steps of one attempt, each of which leaves its event in the journal."""

    def __init__(self, execution: Execution, item: WorkItem, *, task_run_id: str, log: Log) -> None:
        self.execution, self.item, self.task_run_id, self.log = execution, item, task_run_id, log
        self.workspace = Path(execution.state.output)
        self.assignment = self._assignment(_runner_of(item))

    @property
    def number(self) -> int:
        return self.assignment.attempt

    @property
    def mine(self) -> ItemState:
        return self.execution.state.items[self.item.id]

    def work(self) -> int:
        """Have the agent work, check what it did, commit; gives the seq of the commit."""
        outcome = self._run_agent()
        if outcome.failure is not None:
            raise self._failed(outcome.failure, outcome.reason, output=outcome.output)
        self._report(outcome)
        self._check()
        record = self.execution.record(
            on.ItemVerified(item=self.item.id, attempt=self.number, seconds=outcome.seconds)
        )[-1]
        failpoint("before_return")
        self.log.info("%s verified", self.item.id)
        return record.seq

    def _assignment(self, runner: RunnerSpec) -> Assignment:
        execution, item = self.execution, self.item
        number = self.mine.attempt + 1
        prompt = prompt_for(execution.plan, execution.state, item)
        folder = _attempt_folder(execution, item.id, number)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "prompt.md").write_text(prompt, encoding="utf-8", newline="")
        return Assignment(
            run_id=execution.run_id,
            item=item.id,
            requirement=execution.plan.requirement_by_id[item.requirement],
            card=execution.plan.agent_by_name[item.agent],
            runner=runner,
            attempt=number,
            used=self.mine.used,
            prompt=prompt,
            workspace=str(self.workspace),
            folder=str(folder),
            timeout=item.timeout,
            idle_timeout=execution.settings.idle_timeout,
        )

    def _run_agent(self) -> Outcome:
        runner = runner_for(self.assignment.runner.kind, self.execution.settings)
        failpoint("before_claim")
        self.execution.record(
            on.AttemptStarted(
                item=self.item.id,
                attempt=self.number,
                task_run_id=self.task_run_id,
                folder=self.assignment.folder,
            )
        )
        self.log.info("%s attempt %d by %s starts", self.item.id, self.number, self.item.agent)
        self._before = list_files(self.workspace)
        failpoint("after_claim")
        outcome = runner.run(self.assignment, progress=_throttled(self._progress), stop=self.execution.control.stop)
        failpoint("after_exit")
        return outcome

    def _progress(self, report: Report) -> None:
        self.execution.record(
            on.AttemptProgressed(
                item=self.item.id, attempt=self.number, fraction=report.fraction, message=report.message[:300]
            )
        )

    def _report(self, outcome: Outcome) -> None:
        files = changes(self.workspace, self._before)
        failpoint("before_stage")
        self.execution.record(
            on.AttemptReported(
                item=self.item.id, attempt=self.number, seconds=outcome.seconds, summary=outcome.summary, files=files
            )
        )
        failpoint("after_stage")

    def _check(self) -> None:
        """Run the checks. Raises AttemptFailed where one does not pass."""
        for evidence in self._evidence():
            self.execution.record(on.CheckFinished(item=self.item.id, attempt=self.number, evidence=evidence))
            if evidence.broken or self.execution.control.stop.is_set():
                raise self._failed(Failure.CHECKER_BROKEN, f"{evidence.title}: {evidence.output[:300]}")
        wrong = [one.title for one in self.mine.evidence if not one.passed]
        if wrong:
            raise self._failed(Failure.CHECK_FAILED, "; ".join(wrong))

    def _evidence(self) -> Iterator[Evidence]:
        checks = self.execution.plan.checks_of(self.item)
        environment = environment_for(self.assignment, os.environ, self.execution.settings.pass_env)
        for check in checks:
            if self.execution.plan.rehearsal or self.assignment.runner.kind == "rehearsal":
                yield rehearsed(check)
            else:
                yield run_check(check, self.workspace, environment, self.execution.control.stop)

    def _failed(self, failure: Failure, reason: str, *, output: str = "") -> AttemptFailed:
        """Record a failed attempt and what follows from it; gives the error to raise."""
        stopped = self.execution.control.stop.is_set()
        if stopped:
            failure, reason = Failure.INTERRUPTED, "stopped with the run"
        said = on.AttemptFailed(item=self.item.id, attempt=self.number, failure=failure, reason=reason, output=output)
        used = self.mine.used + POLICIES[failure].counts
        retried = may_retry(failure, used, self.item.retries) and not stopped
        self.execution.record(said, *self._consequence(failure, reason, used, retried=retried))
        self.log.warning("%s attempt %d failed (%s): %s", self.item.id, self.number, failure, reason)
        return AttemptFailed(f"{failure}: {reason}", retried=retried)

    def _consequence(self, failure: Failure, reason: str, used: int, *, retried: bool) -> tuple[on.Event, ...]:
        if retried:
            delay = retry_delay(used, self.execution.settings.retry_delays)
            due = self.execution.journal.clock() + delay
            return (on.RetryScheduled(item=self.item.id, attempt=self.number + 1, delay=delay, due=due),)
        if failure is Failure.INTERRUPTED:
            return ()  # the run is left or was taken over: the item is open again when it is resumed
        remedy = POLICIES[failure].remedy
        return (on.ItemFailed(item=self.item.id, failure=failure, reason=reason, remedy=remedy),)


def _runner_of(item: WorkItem) -> RunnerSpec:
    if item.runner is None:
        raise Unavailable(f"{item.id} has no runner")
    return item.runner


def _attempt_folder(execution: Execution, item: ItemId, number: int) -> Path:
    name = hashlib.sha256(item.encode()).hexdigest()[:16]
    return run_folder(execution.settings, execution.run_id) / name / str(number)


def _throttled(tell: Callable[[Report], None]) -> Callable[[Report], None]:
    """Pass on at most one report every PROGRESS_EVERY seconds; what comes between is dropped, the last one too."""
    heard = -PROGRESS_EVERY

    def told(report: Report) -> None:
        nonlocal heard
        now = time.monotonic()
        if now - heard >= PROGRESS_EVERY:
            heard = now
            tell(report)

    return told
