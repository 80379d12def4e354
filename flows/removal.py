"""Taking a run's traces off Prefect's server: its flow runs with their task runs and logs, and its limit."""

import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.exceptions import ObjectNotFound

from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.ids import RunId
from prefect_swarm.tasks.slots import limit_of_run

PATIENCE = 10.0
"""Seconds that the server is given to delete the logs, which it does after it has answered."""


def remove_flow_runs(run_id: RunId, flow_run_ids: Sequence[str]) -> None:
    """Delete the flow runs of a run and its concurrency limit; what is gone already is fine.

    Raises Unavailable where the server does not do it.
    """
    try:
        with get_client(sync_client=True) as client:
            _remove(client, run_id, [UUID(one) for one in flow_run_ids])
    except httpx.HTTPError as error:
        raise Unavailable(
            f"Prefect's server does not delete the flow runs of {run_id} ({type(error).__name__}: {error}): "
            "look at it, or leave out --prefect"
        ) from error


def _remove(client: SyncPrefectClient, run_id: RunId, flow_run_ids: list[UUID]) -> None:
    for one in flow_run_ids:
        with suppress(ObjectNotFound):
            client.delete_flow_run(one)
    with suppress(ObjectNotFound):
        client.delete_global_concurrency_limit_by_name(limit_of_run(run_id))
    _await_logs(client, flow_run_ids)


def _await_logs(client: SyncPrefectClient, flow_run_ids: list[UUID]) -> None:
    """Wait until the logs are gone too: a private server that is stopped before would keep them."""
    mine = LogFilter(flow_run_id=LogFilterFlowRunId(any_=flow_run_ids))
    deadline = time.monotonic() + PATIENCE
    while flow_run_ids and client.read_logs(mine, limit=1) and time.monotonic() < deadline:
        time.sleep(0.1)
