"""The task runs of one run in Prefect: every item of the plan has one, with the edges of the plan."""

from collections.abc import Callable
from typing import Any

from prefect import Task, allow_failure, task
from prefect.client.schemas.objects import State, StateDetails
from prefect.futures import PrefectFuture, wait
from prefect.states import Cancelled, Completed

from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.tasks.task import attempt_item


@task(name="item", persist_result=False)
def settled_item(name: str, message: str) -> State[Any]:
    """Show an item that does not run in Prefect's graph, with its name and reason."""
    if name in {"Skipped", "Reused"}:
        return Completed(name=name, message=message)
    return Cancelled(name=name, message=message)


class PrefectTaskRuns:
    """Has Prefect call the attempts of a run; used within its flow run."""

    def __init__(self, run_id: RunId) -> None:
        """Begin with no task run."""
        self._run_id = run_id
        self._futures: dict[ItemId, PrefectFuture[Any]] = {}

    def begin(self, item: WorkItem, generation: int, *, delays: tuple[float, ...], ended: Callable[[], None]) -> None:
        """Submit the item's task, which waits for those of the items it depends on."""
        prepared: Task[..., Any] = attempt_item.with_options(
            task_run_name=_name_of(item), retries=len(delays), retry_delay_seconds=list(delays) or 0
        )
        upstream = [allow_failure(self._futures[one]) for one in item.depends_on]
        future: PrefectFuture[Any] = prepared.submit(  # pyright: ignore[reportUnknownMemberType]
            self._run_id, item.id, generation, wait_for=upstream
        )
        self._futures[item.id] = future
        future.add_done_callback(lambda _done: ended())

    def last_words(self, item: ItemId) -> str:
        """Give the message of the state in which Prefect has the item's task run."""
        return self._futures[item].state.message or ""

    def show(self, item: WorkItem, name: str, message: str) -> None:
        """Submit a task that does nothing but end in a state of that name."""
        prepared: Task[..., Any] = settled_item.with_options(task_run_name=_name_of(item))
        upstream: list[Any] = [_edge_to(self._futures[one]) for one in item.depends_on if one in self._futures]
        future: PrefectFuture[Any] = prepared.submit(  # pyright: ignore[reportUnknownMemberType]
            name, message, wait_for=upstream
        )
        self._futures[item.id] = future

    def wait(self, timeout: float) -> None:
        """Wait until Prefect has said its last word on each task, at most so many seconds."""
        wait(list(self._futures.values()), timeout=timeout)


def _name_of(item: WorkItem) -> str:
    """Name an item's task run by its id; Prefect takes a name for a template."""
    return item.id.replace("{", "{{").replace("}", "}}")


def _edge_to(future: PrefectFuture[Any]) -> State[Any]:
    """A stand-in for a future: `wait_for` shows the edge, and does not refuse an upstream that was cancelled."""
    return Completed(data="shown", state_details=StateDetails(task_run_id=future.task_run_id))
