"""What would happen to each item if a run went on now, and why: the lines of `swarm resume --dry-run`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from prefect_swarm.core.history import Mark, Turn, outcome
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.core.requirement import Value
from prefect_swarm.core.reuse import Past
from prefect_swarm.core.state import ItemState, ItemStatus, RunState


class Fate(StrEnum):
    """What becomes of an item."""

    KEPT = "kept"
    RUNS = "will run"
    NEW = "new"
    STAYS = "stays"
    """Failed, skipped or blocked, and left so."""
    GONE = "gone"


class Line(Value):
    """One item, what becomes of it, and why."""

    item: ItemId
    fate: Fate
    why: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """A turn, seen from a point in a run's history."""

    turn: Turn
    now: Past
    marks: Sequence[Mark]

    def lines(self) -> tuple[Line, ...]:
        """Tell the fate of every item of the plan, then which items are gone."""
        after = outcome(self.turn, self.now.state)
        told = [self._line(item, after) for item in self.turn.plan.items]
        return (*told, *self._gone(after))

    def _line(self, item: WorkItem, after: RunState) -> Line:
        now, before = after.items[item.id], self.now.state.items.get(item.id)
        why = self.turn.reasons.get(item.id, "")
        if now.status is ItemStatus.VERIFIED:
            return Line(item=item.id, fate=Fate.KEPT, why=self._why_kept(now, before))
        if now.settled:
            return Line(item=item.id, fate=Fate.STAYS, why=f"{now.status}: {now.reason}")
        if before is None:
            return Line(item=item.id, fate=Fate.NEW, why=why or "new in the requirements")
        return Line(item=item.id, fate=Fate.RUNS, why=why or _why_open(item, before, now))

    def _why_kept(self, now: ItemState, before: ItemState | None) -> str:
        if now.id in self.turn.moved:
            return f"the work of {self.turn.moved[now.id]}"
        if before is not None and before.status is ItemStatus.VERIFIED:
            since = before.since or 0.0
            number = next((mark.number for mark in self.marks if not mark.rewound and mark.at >= since), None)
            return f"verified at checkpoint {number}" if number else "verified"
        return f"finished in run {now.reused}"

    def _gone(self, after: RunState) -> Iterator[Line]:
        moved = set(self.turn.moved.values())
        for item in self.now.plan.items:
            if item.id not in after.items and item.id not in moved:
                title = self.now.plan.requirement_by_id[item.requirement].title
                yield Line(item=item.id, fate=Fate.GONE, why=f"not in the requirements any more: {title}")


def _why_open(item: WorkItem, before: ItemState, now: ItemState) -> str:
    left = "all its retries" if now.used == 0 else f"{_retries(item.retries - now.used)} left"
    match before.status:
        case ItemStatus.FAILED | ItemStatus.CANCELLED:
            return f"failed: {before.reason}; has {left}"
        case ItemStatus.BLOCKED:
            return f"was blocked by {before.cause}"
        case ItemStatus.SKIPPED | ItemStatus.VERIFIED:
            return f"was {before.status}"
        case _ if before.attempt == 0:
            return "not begun"
        case _ if before.failure is not None:
            return f"attempt {before.attempt} failed: {before.reason}; has {left}"
        case _:
            return f"was under way; has {left}"


def _retries(count: int) -> str:
    return f"{count} {'retry' if count == 1 else 'retries'}"
