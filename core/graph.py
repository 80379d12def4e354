"""How the items of a plan wait for one another: waves, the critical path, and the order in which a slot is given.

All of it is iterative and follows the order of the plan, so that the same plan gives the same answers at any size.
"""

from collections import deque
from collections.abc import Mapping

from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan

Rank = tuple[int, float, int]
"""Priority class, longest remaining path (negative), place in the plan; smaller goes first."""


def topological_order(plan: Plan) -> tuple[ItemId, ...]:
    """The items so that each comes after all it waits for."""
    waiting = {item.id: len(item.depends_on) for item in plan.items}
    ready = deque(name for name, count in waiting.items() if count == 0)
    order: list[ItemId] = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for dependent in plan.dependents[name]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                ready.append(dependent)
    return tuple(order)


def waves(plan: Plan) -> tuple[tuple[ItemId, ...], ...]:
    """The items by how many others they must wait for in a row; what stands in one wave could run at once."""
    level: dict[ItemId, int] = {}
    for name in topological_order(plan):
        level[name] = 1 + max((level[upstream] for upstream in plan.item_by_id[name].depends_on), default=-1)
    found: list[list[ItemId]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for item in plan.items:
        found[level[item.id]].append(item.id)
    return tuple(tuple(wave) for wave in found)


def efforts(plan: Plan) -> dict[ItemId, float]:
    """Each item's effort, to stand for its duration where none was measured."""
    return {item.id: item.effort for item in plan.items}


def remaining_paths(plan: Plan, durations: Mapping[ItemId, float]) -> dict[ItemId, float]:
    """For each item how long it and the longest chain that waits for it take."""
    remaining: dict[ItemId, float] = {}
    for name in reversed(topological_order(plan)):
        after = max((remaining[dependent] for dependent in plan.dependents[name]), default=0.0)
        remaining[name] = durations[name] + after
    return remaining


def critical_path(plan: Plan, durations: Mapping[ItemId, float]) -> tuple[ItemId, ...]:
    """The longest chain of items, the one that decides how long the plan takes at least."""
    remaining = remaining_paths(plan, durations)
    path: list[ItemId] = []
    following = tuple(item.id for item in plan.items if not item.depends_on)
    while following:
        path.append(max(following, key=remaining.__getitem__))
        following = plan.dependents[path[-1]]
    return tuple(path)


def priority_classes(plan: Plan) -> dict[ItemId, int]:
    """Each item's priority rank, or that of the most pressing item that waits for it."""
    classes = {item.id: item.priority.rank for item in plan.items}
    for name in reversed(topological_order(plan)):
        classes[name] = min([classes[name], *(classes[dependent] for dependent in plan.dependents[name])])
    return classes


def ranks(plan: Plan, durations: Mapping[ItemId, float]) -> dict[ItemId, Rank]:
    """For each item its place in the queue for a slot: priority class, then longest remaining path, then plan order."""
    classes, remaining = priority_classes(plan), remaining_paths(plan, durations)
    return {item.id: (classes[item.id], -remaining[item.id], at) for at, item in enumerate(plan.items)}
