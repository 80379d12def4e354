"""What a person does to the flow run in Prefect while it goes on: suspends or cancels it."""

import contextvars
import threading
from typing import Self
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from prefect_swarm.tasks.control import Control, Leaving

LOOK = 2.0
"""Seconds between two looks at the flow run."""
TIMEOUT = 5.0
"""Seconds that a look may take; a server that is away is asked again next time."""


class Lookout:
    """Looks at the flow run in a thread of its own, and tells the control what was done to it."""

    def __init__(self, flow_run_id: UUID, control: Control) -> None:
        """Prepare to look at a flow run."""
        self._flow_run_id, self._control = flow_run_id, control
        self._closed = threading.Event()
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._watch,), name="swarm-lookout", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Look no more."""
        self._closed.set()
        self._thread.join(TIMEOUT)

    def _watch(self) -> None:
        with get_client(sync_client=True, httpx_settings={"timeout": TIMEOUT}) as client:
            while not self._closed.wait(LOOK):
                self._heed(self._look(client))

    def _look(self, client: SyncPrefectClient) -> State | None:
        try:
            return client.read_flow_run(self._flow_run_id).state
        except (httpx.HTTPError, ObjectNotFound):
            return None

    def _heed(self, state: State | None) -> None:
        if state is None:
            return
        if state.is_cancelling() or state.is_cancelled():
            self._control.halt(Leaving.CANCELLED)
        elif state.is_paused() and state.name == "Suspended":
            self._control.drain(Leaving.SUSPENDED)
