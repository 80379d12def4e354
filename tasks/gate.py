"""Who may work now: every attempt, first or retried, is admitted here in the scheduler's order.

A slot is held from admission to the end of the attempt; whoever waits for a retry's time or for a person is
outside and holds none.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.graph import Rank
from prefect_swarm.core.ids import ItemId


class Closed(SwarmError):
    """The run takes no new work; what was waiting goes on when it is resumed."""


class Gate:
    """So many slots, given to the most urgent of those who wait."""

    def __init__(
        self, slots: int, ranks: Mapping[ItemId, Rank], *, draining: Callable[[], bool] = lambda: False
    ) -> None:
        """Admit at most `slots` at the same time, smaller ranks first, and nobody once `draining` says so."""
        self._slots, self._ranks, self._draining = slots, ranks, draining
        self._changed = threading.Condition()
        self._waiting: set[ItemId] = set()
        self._inside: set[ItemId] = set()
        self._closed = False

    @contextmanager
    def enter(self, item: ItemId) -> Generator[None]:
        """Wait for a slot and hold it. Raises Closed where the run takes no new work."""
        with self._changed:
            self._waiting.add(item)
            try:
                self._changed.wait_for(lambda: self._shut() or self._next(item))
            finally:
                self._waiting.discard(item)
            if self._shut():
                raise Closed(f"{item} waits until the run is resumed")
            self._inside.add(item)
            self._changed.notify_all()  # there may be a slot for the next in order too
        try:
            yield
        finally:
            with self._changed:
                self._inside.discard(item)
                self._changed.notify_all()

    @property
    def waiting(self) -> frozenset[ItemId]:
        """Who waits for a slot now."""
        with self._changed:
            return frozenset(self._waiting)

    @property
    def inside(self) -> frozenset[ItemId]:
        """Who holds a slot now."""
        with self._changed:
            return frozenset(self._inside)

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait so many seconds until nobody holds a slot; false where somebody still does."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._inside, timeout)

    def close(self) -> None:
        """Admit nobody any more and send away who waits; who is inside stays."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _shut(self) -> bool:
        return self._closed or self._draining()

    def _next(self, item: ItemId) -> bool:
        return len(self._inside) < self._slots and item == min(self._waiting, key=lambda one: self._ranks[one])
