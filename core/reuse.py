"""Which finished work still counts: it does where what was asked, who was asked and what it builds on are the same.

An item's key is a digest over its requirement (title, description, criteria), its agent (prompt, tools, model, rights,
runner) and the keys of the items it waits for. Ids, lines, order, priority, effort, budgets, timeouts and retries are
not part of it: changing them makes no work anew. Work is found again by id first, else by key alone, so that a
requirement may be renumbered.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, JsonValue

from prefect_swarm.core.graph import topological_order
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.state import ItemState, ItemStatus, RunState

SCHEME = "prefect-swarm:work-key:1"
UNREADABLE = "\ufffd"
"""Stands in a path whose bytes are no text; such a path cannot be looked for."""

Parts = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Past:
    """A point in the history of a run: what was planned then, and where it stood."""

    plan: Plan
    state: RunState

    @cached_property
    def keys(self) -> Mapping[ItemId, str]:
        """The key of each item's work."""
        return work_keys(self.plan)


@dataclass(frozen=True, slots=True)
class Work:
    """The finished work of one item."""

    run_id: RunId
    """Who did it: the run, or the one that it was taken over from."""
    item: ItemState
    key: str
    products: tuple[str, ...]
    """Paths in the output folder that no other item touched later."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an item of a plan is done by finished work, and why not."""

    key: str
    work: Work | None
    why: str = ""


def requirement_parts(plan: Plan, item: WorkItem) -> Parts:
    """What of its requirement makes an item's work, by the words in which a change of it is told."""
    requirement = plan.requirement_by_id[item.requirement]
    return {
        "title": requirement.title,
        "description": requirement.description,
        "acceptance": [_json(one) for one in requirement.acceptance],
        "checks": [_json(one) for one in plan.checks_of(item)],
    }


def agent_parts(plan: Plan, item: WorkItem) -> Parts:
    """What of its agent makes an item's work, by the words in which a change of it is told."""
    card = plan.agent_by_name[item.agent]
    return {
        "name": card.name,
        "prompt": card.prompt,
        "tools": list(card.tools),
        "model": card.model,
        "rights": item.rights,
        "runner": None if item.runner is None else _json(item.runner),
    }


def _json(value: BaseModel) -> JsonValue:
    return value.model_dump(mode="json")


def work_key(plan: Plan, item: WorkItem, inputs: Iterable[str]) -> str:
    """Give the key of an item's work, with the keys of what it builds on."""
    said = [SCHEME, requirement_parts(plan, item), agent_parts(plan, item), sorted(inputs)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def work_keys(plan: Plan) -> dict[ItemId, str]:
    """Give the key of each item's work."""
    keys: dict[ItemId, str] = {}
    for name in topological_order(plan):
        item = plan.item_by_id[name]
        keys[name] = work_key(plan, item, (keys[one] for one in item.depends_on))
    return keys


def finished_work(past: Past) -> tuple[Work, ...]:
    """Give the finished work of a point in history, in the order in which it was done."""
    keys, mine = past.keys, _products(past)
    return tuple(
        Work(item.reused or past.state.run_id, item, keys[item.id], tuple(mine[item.id])) for item in _done(past)
    )


def _done(past: Past) -> list[ItemState]:
    items = (past.state.items[name] for name in topological_order(past.plan))
    done = (item for item in items if item.status is ItemStatus.VERIFIED)
    return sorted(done, key=lambda item: item.since or 0.0)


def _products(past: Past) -> dict[ItemId, list[str]]:
    """For each finished item the paths that it was the last to touch, and which it left there."""
    last: dict[str, ItemId] = {}
    for item in _done(past):
        for file in item.files:
            last.pop(file.path, None)
            if file.change != "deleted" and UNREADABLE not in file.path:
                last[file.path] = item.id
    found: dict[ItemId, list[str]] = {item.id: [] for item in past.plan.items}
    for path, name in last.items():
        found[name].append(path)
    return found


def judge(plan: Plan, pasts: tuple[Past, ...], missing: frozenset[str]) -> dict[ItemId, Verdict]:
    """Say for each item of a plan whether finished work does it; work of an earlier past goes before that of a later.

    Work whose products are `missing` does not count, and whatever depends on an item that runs again runs again too.
    """
    keys = work_keys(plan)
    found = _matches(keys, [work for past in pasts for work in finished_work(past)])
    verdicts: dict[ItemId, Verdict] = {}
    for name in topological_order(plan):
        item, work = plan.item_by_id[name], found.get(name)
        again = next((one for one in item.depends_on if verdicts[one].work is None), None)
        lost = next((path for path in work.products if path in missing), None) if work else None
        if work and not again and not lost:
            verdicts[name] = Verdict(keys[name], work)
        else:
            why = f"what it made is gone: {lost}" if lost else _why_again(plan, item, pasts[0].plan, again=again)
            verdicts[name] = Verdict(keys[name], None, why)
    return verdicts


def _matches(keys: Mapping[ItemId, str], pool: Iterable[Work]) -> dict[ItemId, Work]:
    """Find each item's work: that of the same id first, then any other of the same key; none is taken twice."""
    left = {(work.key, work.item.id): work for work in reversed(list(pool))}
    found = {name: left.pop((key, name)) for name, key in keys.items() if (key, name) in left}
    rest: dict[str, list[Work]] = {}
    for (key, _), work in left.items():
        rest.setdefault(key, []).append(work)
    for name, key in keys.items():
        if name not in found and rest.get(key):
            found[name] = rest[key].pop()
    return found


def _why_again(plan: Plan, item: WorkItem, before: Plan, *, again: ItemId | None) -> str:
    old = before.item_by_id.get(item.id)
    if old is None:
        return ""
    asked = _changed(requirement_parts(before, old), requirement_parts(plan, item))
    whom = _changed(agent_parts(before, old), agent_parts(plan, item))
    told = [f"{what} changed: {names}" for what, names in (("requirement", asked), ("agent", whom)) if names]
    if told:
        return "; ".join(told)
    if again is not None:
        return f"depends on {again}, which runs again" if again in before.item_by_id else f"depends on {again} now"
    return "" if set(old.depends_on) == set(item.depends_on) else "depends on other items than before"


def _changed(old: Parts, new: Parts) -> str:
    return ", ".join(_names_of_change(old, new))


def _names_of_change(old: Parts, new: Parts) -> Iterator[str]:
    changed = [name for name in new if old[name] != new[name]]
    # the checks are among the criteria: they are named where only who is checked has changed
    return (name for name in changed if name != "checks" or "acceptance" not in changed)
