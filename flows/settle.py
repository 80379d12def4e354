"""Giving Prefect's server what this process still owes it: its states and logs travel there after the fact."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
from prefect._internal.concurrency.services import QueueService
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL

from prefect_swarm.flows.server import healthy

PATIENCE = 10.0
"""Seconds that the server is given at each step."""


def server_answers() -> bool:
    """Tell whether Prefect's server is there, after waiting a few seconds for one that is not."""
    url = PREFECT_API_URL.value()
    return url is None or _wait(lambda: healthy(url, timeout=2.0))  # None: a server of Prefect's own in this process


def settle(flow_run_id: str) -> bool:
    """Hand over what is queued and wait until the server shows every task run of the flow run as ended.

    False where it does not within a few seconds, for instance because it is gone.
    """
    return all(map(_handed_over, (EventsWorker, APILogWorker))) and _recorded(flow_run_id)


def _handed_over(service: type[QueueService[Any]]) -> bool:
    drained = service.drain_all(timeout=PATIENCE)
    return isinstance(drained, tuple) and not drained[1]  # a tuple where no event loop runs in this thread


def _recorded(flow_run_id: str) -> bool:
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(flow_run_id)]))
    try:
        with get_client(sync_client=True) as client:
            return _wait(lambda: all(map(_ended, client.read_task_runs(flow_run_filter=mine))))
    except httpx.HTTPError:
        return False


def _ended(task_run: TaskRun) -> bool:
    return task_run.state is not None and task_run.state.is_final()


def _wait(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
