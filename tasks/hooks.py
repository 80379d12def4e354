"""What Prefect says of its states, into the same stream as everything else.

Hooks may run in another process than the flow (Prefect's runner calls those for crash and cancellation) and may be
called twice. They find the run by the flow run's parameter, else by its id in the journal, and append one event.
"""

import os
from collections.abc import Callable
from typing import Any

from prefect import Flow, Task
from prefect.client.schemas.objects import FlowRun, State, TaskRun

from prefect_swarm.core.errors import RunNotFound
from prefect_swarm.core.events import PrefectStateChanged
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.execution import execution_of, execution_of_flow_run

FlowHook = Callable[[Flow[..., Any], FlowRun, State[Any]], None]


def flow_hook(settings: Settings | None) -> FlowHook:
    """Make the hook that records a state of a flow run; settings come from the environment where none are given."""

    def flow_state_changed(_flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
        journal = open_journal(settings or settings_from(os.environ))
        named = flow_run.parameters.get("run")
        run_id = RunId(named) if named else journal.run_of(str(flow_run.id))
        if run_id is not None:
            _append(journal, run_id, _said(flow_run, state))

    return flow_state_changed


def task_state_changed(_task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> None:
    """Record a state of an item's task run; for every task hook, which all run beside their execution."""
    execution = execution_of_flow_run(str(task_run.flow_run_id))
    if execution is not None:
        execution.record(
            PrefectStateChanged(
                flow_run_id=str(task_run.flow_run_id),
                task_run_id=str(task_run.id),
                item=ItemId(task_run.name),
                state_type=state.type.value,
                name=state.name or "",
            )
        )


def _said(flow_run: FlowRun, state: State[Any]) -> PrefectStateChanged:
    return PrefectStateChanged(flow_run_id=str(flow_run.id), state_type=state.type.value, name=state.name or "")


def _append(journal: Journal, run_id: RunId, event: PrefectStateChanged) -> None:
    execution = execution_of(run_id)
    try:
        if execution is not None:
            execution.record(event)
        else:
            journal.append(run_id, [event])
    except RunNotFound:
        return  # the first state of a run that the flow itself makes known a moment later
