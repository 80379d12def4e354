"""The outer fence: each attempt holds a lease on Prefect's global concurrency limits while it works.

The gate admits first, so the lease rarely waits; it is what keeps several runs in several processes together
below one limit, and what people see under Concurrency in Prefect's UI. If the server is away the gate alone holds.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from prefect_swarm.core.ids import AgentName, RunId
from prefect_swarm.core.ports import Stop
from prefect_swarm.tasks.gate import Closed

LEASE = 60.0
"""Seconds after which the server frees the slots of a process that died."""
POLL = 0.5
"""Seconds between two tries for a slot that another run holds."""
PAUSE = 10.0
"""Seconds for which a server that did not answer is left alone."""
BUSY = 0.1
"""Seconds before a server whose database was busy is asked again."""
TRIES = 5
_LOCKED = 423
_UNAVAILABLE = 503
_ANSWERS = (_LOCKED, 404)
"""Refusals that answer the question: no slot is free, or what is to go is not there."""

Question = Callable[[SyncPrefectClient], httpx.Response | None]


def limit_of_run(run_id: RunId) -> str:
    """Name the limit that goes with a run."""
    return f"swarm-{run_id}"


class PrefectSlots:
    """The leases of one run, on one long-lived client.

    The client is asked by one thread at a time: a SQLite server answers 503 to leases that are taken at the same
    moment. And it does not retry by itself: Prefect's own retries would hold an attempt for a minute where the
    server is gone.
    """

    def __init__(self, run_id: RunId, maximum: int, *, draining: Stop) -> None:
        """Prepare for a run with so many slots."""
        self._run, self._maximum, self._draining = run_id, maximum, draining
        self._trouble: Callable[[Exception], None] = _nobody
        self._asking = threading.Lock()
        self._leases: set[UUID] = set()
        self._closed = threading.Event()
        self._left_alone_until = 0.0
        self._renewer = threading.Thread(target=self._renew, name="swarm-slots", daemon=True)
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            self._context = contextvars.copy_context()
            self._client = get_client(sync_client=True, httpx_settings={"timeout": 5.0})

    @contextmanager
    def known(self, *, trouble: Callable[[Exception], None]) -> Generator[None, None, None]:
        """Have the run's limit known to the server while the block lasts.

        `trouble` is told each time the server begins not to answer.
        """
        self._trouble = trouble
        name = limit_of_run(self._run)
        with self._client:
            # Made anew: leases of a killed executor would hold it for a minute.
            self._ask(lambda client: client.delete_global_concurrency_limit_by_name(name))
            self._ask(lambda client: client.upsert_global_concurrency_limit_by_name(name, self._maximum))
            self._renewer.start()
            try:
                yield
            finally:
                self._closed.set()
                self._renewer.join()
                self._ask(lambda client: client.delete_global_concurrency_limit_by_name(name))

    @contextmanager
    def hold(self, agent: AgentName) -> Generator[None, None, None]:
        """Hold a slot of the run, and of the limits `swarm` and `swarm-agent-<name>` where somebody set them.

        Raises Closed where the run is left before there is one.
        """
        lease = self._take([limit_of_run(self._run), "swarm", f"swarm-agent-{agent}"])
        try:
            yield
        finally:
            if lease is not None:
                self._leases.discard(lease)
                self._ask(lambda client: client.release_concurrency_slots_with_lease(lease_id=lease))

    def _take(self, names: list[str]) -> UUID | None:
        """Take a lease; None where the server does not answer. Raises Closed where the run takes no new work."""

        def question(client: SyncPrefectClient) -> httpx.Response:
            return client.increment_concurrency_slots_with_lease(
                names=names, slots=1, mode="concurrency", lease_duration=LEASE
            )

        while not self._draining.is_set():
            answer = self._ask(question)
            if answer is None:
                return None
            if answer.status_code != _LOCKED:
                lease = UUID(answer.json()["lease_id"])
                self._leases.add(lease)
                return lease
            self._draining.wait(POLL)
        raise Closed("a slot of a limit that other runs share was not free before the run was left")

    def _renew(self) -> None:
        while not self._closed.wait(LEASE / 3):
            for lease in tuple(self._leases):
                self._ask(partial(_renewed, lease))

    def _ask(self, question: Question) -> httpx.Response | None:
        """Ask the server; None where it does not answer or there is nothing to say."""
        with self._asking:
            if time.monotonic() < self._left_alone_until:
                return None
            try:
                return self._context.run(self._answer, question)
            except httpx.HTTPError as error:
                self._left_alone_until = time.monotonic() + PAUSE
                trouble = error
        self._trouble(trouble)
        return None

    def _answer(self, question: Question) -> httpx.Response | None:
        """Give the server's answer, a slot that is not free included; a busy database is given time."""
        for tried in range(1, TRIES + 1):
            try:
                return question(self._client)
            except (httpx.HTTPStatusError, ObjectNotFound) as error:
                status = _status_of(error)
                if status in _ANSWERS:
                    return httpx.Response(status)
                if status != _UNAVAILABLE or tried == TRIES:
                    raise
                time.sleep(BUSY)
        return None


def _nobody(_error: Exception) -> None:
    """Nobody is told."""


def _renewed(lease: UUID, client: SyncPrefectClient) -> httpx.Response:
    return client.renew_concurrency_lease(lease_id=lease, lease_duration=LEASE)


def _status_of(error: httpx.HTTPStatusError | ObjectNotFound) -> int:
    return error.response.status_code if isinstance(error, httpx.HTTPStatusError) else 404
