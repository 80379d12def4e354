"""What Prefect says of its states, into the same stream as everything else.

Hooks may run in another process than the flow (Prefect's runner calls those for crash and cancellation) and may be
called twice. They find the run by the flow run's parameter, else by its id in the journal, and append one event.
"""

import os
from functools import lru_cache
from typing import Any

from prefect import Flow, Task
from prefect.client.schemas.objects import FlowRun, State, TaskRun

from prefect_swarm.core.errors import RunNotFound
from prefect_swarm.core.events import PrefectStateChanged
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.settings import settings_from
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.execution import execution_of


def flow_state_changed(_flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Record a state of the flow run; for every flow hook."""
    said = PrefectStateChanged(flow_run_id=str(flow_run.id), state_type=state.type.value, name=state.name or "")
    run_id = _run_of(flow_run)
    if run_id is not None:
        _append(run_id, said)


def task_state_changed(_task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> None:
    """Record a state of an item's task run; for every task hook."""
    said = PrefectStateChanged(
        flow_run_id=str(task_run.flow_run_id), task_run_id=str(task_run.id), item=ItemId(task_run.name),
        state_type=state.type.value, name=state.name or "",
    )  # fmt: skip
    run_id = journal().run_of(str(task_run.flow_run_id))
    if run_id is not None:
        _append(run_id, said)


def _run_of(flow_run: FlowRun) -> RunId | None:
    named = flow_run.parameters.get("run")
    return RunId(named) if named else journal().run_of(str(flow_run.id))


def _append(run_id: RunId, event: PrefectStateChanged) -> None:
    execution = execution_of(run_id)
    try:
        if execution is not None:
            execution.record(event)
        else:
            journal().append(run_id, [event])
    except RunNotFound:
        return  # the flow was called with the id of a run that it refuses a moment later, saying so itself


@lru_cache(maxsize=1)
def journal() -> Journal:
    """Give this process's journal for hooks that run beside no execution."""
    return open_journal(settings_from(os.environ))
