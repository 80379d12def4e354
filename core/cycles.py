"""Which things wait for each other in a circle, and what the shortest such circle is."""

from collections import deque
from collections.abc import Iterator, Mapping

MAX_STEPS = 2_000_000
"""Edges looked at in search of a shorter loop; beyond them the shortest loop found so far is told."""

Edges = Mapping[int, tuple[int, ...]]


def shortest_loops(edges: Edges) -> list[tuple[int, ...]]:
    """One loop for each group of nodes that reach each other: its shortest, starting at its smallest node.

    Iterative, so that a loop may have any length. Empty means that the edges have an order.
    """
    return sorted(_shortest(inner) for inner in tangles(edges))


def tangles(edges: Edges) -> Iterator[Edges]:
    """Each group of nodes that reach each other, with the edges inside of it."""
    for group in _groups(edges):
        members = set(group)
        inner = {node: tuple(to for to in edges[node] if to in members) for node in sorted(members)}
        if len(group) > 1 or group[0] in inner[group[0]]:
            yield inner


def _groups(edges: Edges) -> Iterator[list[int]]:
    """Kosaraju's strongly connected components: what reaches a node backwards, in the reverse order of finishing."""
    backwards: dict[int, list[int]] = {node: [] for node in edges}
    for node, targets in edges.items():
        for to in targets:
            backwards[to].append(node)
    seen: set[int] = set()
    for node in reversed(_finished(edges)):
        if node not in seen:
            yield _reach(backwards, node, seen=seen)


def _finished(edges: Edges) -> list[int]:
    done: list[int] = []
    seen: set[int] = set()
    for root in edges:
        path = [] if root in seen else [(root, iter(edges[root]))]
        seen.add(root)
        while path:
            node, rest = path[-1]
            fresh = next((to for to in rest if to not in seen), None)
            if fresh is None:
                done.append(node)
                path.pop()
            else:
                seen.add(fresh)
                path.append((fresh, iter(edges[fresh])))
    return done


def _reach(edges: Mapping[int, list[int]], start: int, *, seen: set[int]) -> list[int]:
    seen.add(start)
    group = [start]
    for node in group:
        fresh = [to for to in dict.fromkeys(edges[node]) if to not in seen]
        seen.update(fresh)
        group += fresh
    return group


def _shortest(inner: Edges) -> tuple[int, ...]:
    """The shortest loop of one group: each passes a node that branches, unless the group is a single ring."""
    branching = [node for node, targets in inner.items() if len(targets) > 1] or [min(inner)]
    best: tuple[int, ...] = ()
    steps = 0
    for start in branching:
        loop, used = _loop_through(inner, start, below=len(best) or len(inner) + 1)
        best = loop or best
        steps += used
        if steps > MAX_STEPS or len(best) == 1:
            break
    first = best.index(min(best))
    return best[first:] + best[:first]


def _loop_through(inner: Edges, start: int, *, below: int) -> tuple[tuple[int, ...], int]:
    """The shortest loop through a node if it is shorter than `below`, and the edges looked at (breadth first)."""
    came: dict[int, int] = {}
    depth = {start: 0}
    queue = deque([start])
    steps = 0
    while queue:
        node = queue.popleft()
        if depth[node] + 1 >= below:
            break
        for to in inner[node]:
            steps += 1
            if to == start:
                return _way_back(came, node), steps
            if to not in depth:
                depth[to], came[to] = depth[node] + 1, node
                queue.append(to)
    return (), steps


def _way_back(came: Mapping[int, int], node: int) -> tuple[int, ...]:
    way = [node]
    while way[-1] in came:
        way.append(came[way[-1]])
    return tuple(reversed(way))
