"""Who is told, in this process, that something was committed."""

import threading
from collections.abc import Callable

from prefect_swarm.core.events import Record

Listener = Callable[[tuple[Record, ...]], None]
"""Called after the commit, in the committing thread and in order; must return at once and not raise."""


class Feed:
    """The listeners of one journal."""

    def __init__(self) -> None:
        """Start without listeners."""
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell the listener of every later commit; call the result to stop that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    def publish(self, records: tuple[Record, ...]) -> None:
        """Tell all listeners of records that are committed."""
        for listener in self._listeners:
            listener(records)
