"""The Prefect task around an attempt: when it is retried, what Prefect keeps of it, what Prefect says of it.

What counts is written inside the task's body: Prefect announces a result before it is stored, and loses late
states when its server is away. Prefect owns when a retry is due; the gate owns whether it may run.
"""

import hashlib
from typing import Any

from prefect import Task, get_run_logger, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.runtime import task_run as this_task_run
from prefect.serializers import JSONSerializer
from prefect.states import Cancelled

from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.tasks.attempt import AttemptFailed, attempt
from prefect_swarm.tasks.execution import execution_of
from prefect_swarm.tasks.gate import Closed
from prefect_swarm.tasks.hooks import task_state_changed


def should_retry(_task: Task[..., Any], _task_run: TaskRun, state: State[Any]) -> bool:
    """Tell Prefect whether an attempt is tried again; a plain function, since Prefect ignores any other callable."""
    return isinstance(state.data, AttemptFailed) and state.data.retried


def receipt_key(_context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Give the key under which Prefect keeps an item's receipt: one per run, item and generation."""
    text = "\x00".join(str(parameters[name]) for name in ("run_id", "item_id", "generation"))
    return hashlib.sha256(text.encode()).hexdigest()


@task(
    name="attempt",
    persist_result=True,
    # Receipts of ours only, and texts come back as texts: the default decoder makes objects of what looks like them.
    result_serializer=JSONSerializer(object_decoder=None),
    cache_key_fn=receipt_key,
    # A receipt is never read back: an agent can write where they lie, and a record names the decoder of its own data.
    refresh_cache=True,
    retry_condition_fn=should_retry,
    on_running=[task_state_changed],
    on_completion=[task_state_changed],
    on_failure=[task_state_changed],
)
def attempt_item(run_id: str, item_id: str, generation: int) -> Any:
    """Work on an item until it is verified: gives a receipt, or raises AttemptFailed."""
    execution = execution_of(RunId(run_id))
    if execution is None:
        raise SwarmError(f"run {run_id} is not executed in this process")
    item = execution.plan.item_by_id[ItemId(item_id)]
    try:
        seq = attempt(execution, item, task_run_id=str(this_task_run.id or ""), log=get_run_logger())
    except Closed as closed:
        return Cancelled(name="Interrupted", message=str(closed))
    return {"run": run_id, "item": item_id, "generation": generation, "seq": seq}
