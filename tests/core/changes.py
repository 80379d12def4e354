"""Plans as a person changes them: other texts, other ids, other order, more and fewer requirements."""

from collections.abc import Callable, Iterable
from typing import Any

from prefect_swarm.core.ids import ItemId, RequirementId, item_id
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.requirement import Requirement
from prefect_swarm.core.reuse import Past
from prefect_swarm.core.state import ItemState, ItemStatus, RunState
from prefect_swarm.core.table import ItemTable


def changed_plan(plan: Plan, **changed: Any) -> Plan:
    """Give the plan with other fields; what it has derived from the old ones is forgotten."""
    return Plan.model_validate({name: getattr(plan, name) for name in Plan.model_fields} | changed)


def with_requirement(plan: Plan, place: int, **changed: Any) -> Plan:
    """Give the plan with something else in one requirement."""
    requirements = list(plan.requirements)
    requirements[place] = requirements[place].model_copy(update=changed)
    return changed_plan(plan, requirements=tuple(requirements))


def with_items(plan: Plan, **changed: Any) -> Plan:
    """Give the plan with something else in all its items."""
    return changed_plan(plan, items=tuple(item.model_copy(update=changed) for item in plan.items))


def with_cards(plan: Plan, **changed: Any) -> Plan:
    """Give the plan with something else in all its agents' cards."""
    return changed_plan(plan, agents=tuple(card.model_copy(update=changed) for card in plan.agents))


def reordered(plan: Plan, order: Iterable[int]) -> Plan:
    """Give the plan with its requirements, and so its items, in another order."""
    places = list(order)
    items, requirements = (
        tuple(plan.items[place] for place in places),
        tuple(plan.requirements[place] for place in places),
    )
    return changed_plan(plan, items=items, requirements=requirements)


def renamed(plan: Plan, name: Callable[[str], str]) -> Plan:
    """Give the plan with other ids for the same requirements."""

    def requirement(one: Requirement) -> Requirement:
        needs = tuple(RequirementId(name(need)) for need in one.depends_on)
        return one.model_copy(update={"id": RequirementId(name(one.id)), "depends_on": needs})

    def named(item: ItemId) -> ItemId:
        old = plan.item_by_id[item]
        return item_id(RequirementId(name(old.requirement)), old.agent)

    def work(item: WorkItem) -> WorkItem:
        upstream = tuple(named(one) for one in item.depends_on)
        changed = {"id": named(item.id), "requirement": RequirementId(name(item.requirement)), "depends_on": upstream}
        return item.model_copy(update=changed)

    requirements = tuple(requirement(one) for one in plan.requirements)
    return changed_plan(plan, requirements=requirements, items=tuple(work(item) for item in plan.items))


def without(plan: Plan, place: int) -> Plan:
    """Give the plan without one requirement, which nothing waits for any more."""
    gone = plan.items[place].id
    items = tuple(
        item.model_copy(update={"depends_on": tuple(one for one in item.depends_on if one != gone)})
        for item in plan.items
        if item.id != gone
    )
    requirements = (*plan.requirements[:place], *plan.requirements[place + 1 :])
    return changed_plan(plan, items=items, requirements=requirements)


def dependents(plan: Plan, name: ItemId) -> set[ItemId]:
    """Give an item and all that waits for it, directly or not."""
    found, queue = {name}, [name]
    while queue:
        for one in plan.dependents[queue.pop()]:
            if one not in found:
                found.add(one)
                queue.append(one)
    return found


def finished(plan: Plan, state: RunState) -> Past:
    """Give a point at which every item of the plan is verified, one after the other."""
    items = [ItemState(item.id, ItemStatus.VERIFIED, since=float(at)) for at, item in enumerate(plan.items)]
    return Past(plan, RunState(state.run_id, ItemTable(items)))
