"""The outer fence: each attempt holds a lease on Prefect's global concurrency limits while it works.

The gate admits first, so the lease rarely waits; it is what keeps several runs in several processes together
below one limit, and what people see under Concurrency in Prefect's UI. If the server is away the gate alone holds.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Self
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client

from prefect_swarm.core.ids import AgentName, RunId
from prefect_swarm.core.ports import Stop

LEASE = 60.0
"""Seconds after which the server frees the slots of a process that died."""
POLL = 0.5
"""Seconds between two tries for a slot that another run holds."""
_LOCKED = 423


def limit_of_run(run_id: RunId) -> str:
    """Name the limit that goes with a run."""
    return f"swarm-{run_id}"


class Slots:
    """The leases of one run, on one long-lived client."""

    def __init__(self, run_id: RunId, maximum: int, *, stop: Stop, trouble: Callable[[Exception], None]) -> None:
        """Prepare for a run with so many slots; `trouble` is told each time the server begins not to answer."""
        self._run, self._maximum, self._stop, self._trouble = run_id, maximum, stop, trouble
        self._client: SyncPrefectClient | None = None
        self._leases: set[UUID] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._away = False
        self._renewer = threading.Thread(target=self._renew, name="swarm-slots", daemon=True)

    def __enter__(self) -> Self:
        """Make the run's limit known to the server."""
        self._client = get_client(sync_client=True)
        self._client.__enter__()
        self._tried(
            lambda client: client.upsert_global_concurrency_limit_by_name(limit_of_run(self._run), self._maximum)
        )
        self._renewer.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Take the run's limit away again."""
        self._closed.set()
        self._renewer.join()
        self._tried(lambda client: client.delete_global_concurrency_limit_by_name(limit_of_run(self._run)))
        if self._client is not None:
            self._client.__exit__(None, None, None)

    @contextmanager
    def hold(self, agent: AgentName) -> Generator[None, None, None]:
        """Hold a slot of the run, and of the limits `swarm` and `swarm-agent-<name>` where somebody set them."""
        lease = self._take([limit_of_run(self._run), "swarm", f"swarm-agent-{agent}"])
        try:
            yield
        finally:
            if lease is not None:
                with self._lock:
                    self._leases.discard(lease)
                self._tried(lambda client: client.release_concurrency_slots_with_lease(lease_id=lease))

    def _take(self, names: list[str]) -> UUID | None:
        while not self._stop.is_set():
            answer = self._tried(
                lambda client: client.increment_concurrency_slots_with_lease(
                    names=names, slots=1, mode="concurrency", lease_duration=LEASE
                )
            )
            if answer is None:
                return None
            if answer.status_code != _LOCKED:
                lease = UUID(answer.json()["lease_id"])
                with self._lock:
                    self._leases.add(lease)
                return lease
            self._stop.wait(POLL)
        return None

    def _renew(self) -> None:
        while not self._closed.wait(LEASE / 3):
            with self._lock:
                leases = tuple(self._leases)
            for lease in leases:
                self._tried(
                    lambda client, lease=lease: client.renew_concurrency_lease(lease_id=lease, lease_duration=LEASE)
                )

    def _tried(self, ask: Callable[[SyncPrefectClient], httpx.Response | None]) -> httpx.Response | None:
        """Ask the server; None where it does not answer or there is nothing to say."""
        if self._client is None:
            return None
        try:
            answer = ask(self._client)
        except httpx.HTTPStatusError as error:
            if error.response.status_code == _LOCKED:
                return error.response
            self._say(error)
            return None
        except httpx.HTTPError as error:
            self._say(error)
            return None
        self._away = False
        return answer

    def _say(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            self._trouble(error)
