"""What of a run is open, blocked or settled, kept up to date item by item.

The scheduler asks after every event. Looked up in all items each time, a run of ten thousand items would spend
its time looking; an agenda follows the state and visits only what changed and what waits for that. It is an index
of plan and state and nothing more: one that followed every event says the same as one made a moment ago.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from prefect_swarm.core.graph import Rank
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.state import SETTLED, UNMET, ItemState, ItemStatus, RunState
from prefect_swarm.core.table import ItemTable


class Agenda:
    """The items of one run by what can be done with them."""

    def __init__(self, plan: Plan, state: RunState, ranks: Mapping[ItemId, Rank]) -> None:
        """Begin with a state of the plan; `ranks` say in which order items start."""
        self.plan, self.state = plan, state
        self._ranks = ranks
        self._known = ItemTable[ItemState]()
        self._counts = Counter[ItemStatus]()
        self._unverified = {item.id: len(item.depends_on) for item in plan.items}
        self._unmet = dict.fromkeys(self._unverified, 0)
        self._blocked = set[ItemId]()
        self._open: list[tuple[Rank, ItemId]] = []
        self._later: list[tuple[float, ItemId]] = []
        self._queued = set[ItemId]()
        """Items in one of the two heaps, where an item may stay although it is not open any more."""
        self.follow(state)

    def follow(self, state: RunState) -> None:
        """Go on to a later state."""
        before, self.state, self._known = self._known, state, state.items
        for name in state.items.changed_since(before):
            self._move(name, before[name].status if name in before else None, state.items[name].status)

    def count(self, *statuses: ItemStatus) -> int:
        """How many items stand at one of these."""
        return sum(self._counts[status] for status in statuses)

    @property
    def settled(self) -> bool:
        """Whether nothing more happens to any item by itself."""
        return self.count(*SETTLED) == len(self._known)

    def blocked(self) -> Iterator[WorkItem]:
        """The pending items that wait for one that will not be verified, in plan order."""
        return (self.plan.item_by_id[name] for name in sorted(self._blocked, key=self._place))

    def startable(self, count: int, now: float) -> tuple[WorkItem, ...]:
        """The first items, at most so many, that wait for nothing any more, by their rank."""
        while self._later and self._later[0][0] <= now:
            self._requeue(heappop(self._later)[1], now)
        found: list[tuple[Rank, ItemId]] = []
        while self._open and len(found) < count:
            entry = heappop(self._open)
            if self._is_open(entry[1], now):
                found.append(entry)
            else:
                self._requeue(entry[1], now)
        for entry in found:
            heappush(self._open, entry)
        return tuple(self.plan.item_by_id[name] for _, name in found)

    def next_due(self, now: float) -> float | None:
        """Seconds until an item that waits for its time may start; None where none waits."""
        while self._later and not self._waits_for_nobody(self._later[0][1]):
            self._queued.discard(heappop(self._later)[1])
        return max(0.0, self._later[0][0] - now) if self._later else None

    def _place(self, name: ItemId) -> int:
        return self._ranks[name][2]

    def _move(self, name: ItemId, before: ItemStatus | None, after: ItemStatus) -> None:
        if before is after:
            self._sort(name)  # its due time may be another
            return
        self._counts[after] += 1
        if before is not None:
            self._counts[before] -= 1
        verified = (after is ItemStatus.VERIFIED) - (before is ItemStatus.VERIFIED)
        unmet = (after in UNMET) - (before in UNMET)
        self._sort(name)
        if verified or unmet:
            for dependent in self.plan.dependents[name]:
                self._unverified[dependent] -= verified
                self._unmet[dependent] += unmet
                self._sort(dependent)

    def _sort(self, name: ItemId) -> None:
        """Put an item where it belongs now."""
        pending = self.state.items[name].status is ItemStatus.PENDING
        if pending and self._unmet[name]:
            self._blocked.add(name)
        else:
            self._blocked.discard(name)
        if pending and not self._unverified[name] and name not in self._queued:
            self._queue(name)

    def _queue(self, name: ItemId) -> None:
        due = self.state.items[name].due
        self._queued.add(name)
        if due is None:
            heappush(self._open, (self._ranks[name], name))
        else:
            heappush(self._later, (due, name))

    def _requeue(self, name: ItemId, now: float) -> None:
        """Put an item that was taken from a heap into the right one, or into none."""
        self._queued.discard(name)
        if self._is_open(name, now):
            self._queued.add(name)
            heappush(self._open, (self._ranks[name], name))
        elif self._waits_for_nobody(name):
            self._queue(name)

    def _waits_for_nobody(self, name: ItemId) -> bool:
        return self.state.items[name].status is ItemStatus.PENDING and not self._unverified[name]

    def _is_open(self, name: ItemId, now: float) -> bool:
        due = self.state.items[name].due
        return self._waits_for_nobody(name) and (due is None or due <= now)
