"""Which finished work still counts after a change, and which does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.changes import (
    changed_plan,
    dependents,
    finished,
    renamed,
    reordered,
    with_cards,
    with_items,
    with_requirement,
)
from tests.core.histories import RUN, item, plans

from prefect_swarm.core.events import FileChange
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.requirement import Budget, FileCheck, Priority, Source, TextCriterion
from prefect_swarm.core.reuse import Past, finished_work, judge, work_keys
from prefect_swarm.core.roster import Rights, RunnerSpec
from prefect_swarm.core.state import ItemState, ItemStatus, RunState, initial_state
from prefect_swarm.core.table import ItemTable
from prefect_swarm.testing.plans import Part, plan_of

CHAIN = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("B",)), Part("D"))


def done(plan: Plan) -> Past:
    """A point at which all of a plan is verified."""
    return finished(plan, initial_state(RUN, plan))


def again(plan: Plan, past: Past, *missing: str) -> set[ItemId]:
    """The items of a plan that finished work does not stand for."""
    verdicts = judge(plan, (past,), frozenset(missing))
    return {name for name, verdict in verdicts.items() if verdict.work is None}


@given(plans(), st.data())
def test_a_changed_requirement_runs_again_with_all_that_depends_on_it(plan: Plan, data: st.DataObject) -> None:
    """Whatever requirement of whatever plan is changed: it and its transitive dependents run again, nothing else."""
    place = data.draw(st.integers(0, len(plan.items) - 1))
    change = data.draw(st.sampled_from([{"title": "Other"}, {"description": "Other"}, {"acceptance": ()}]))

    changed = with_requirement(plan, place, **change)

    assert again(changed, done(plan)) == dependents(plan, plan.items[place].id)


@given(plans(), st.data())
def test_order_and_numbers_do_not_matter(plan: Plan, data: st.DataObject) -> None:
    """The same requirements in another order, or under other ids, need no work."""
    order = data.draw(st.permutations(range(len(plan.items))))

    assert again(reordered(plan, order), done(plan)) == set()
    assert again(renamed(plan, lambda name: f"X{len(order) - int(name[1:])}"), done(plan)) == set()
    assert work_keys(reordered(plan, order)) == work_keys(plan)


def test_what_makes_no_other_work_changes_no_key() -> None:
    """Priority, effort, budget, line, category, timeout, retries and an agent's description make no other work."""
    changed = with_requirement(
        with_cards(with_items(CHAIN, priority=Priority.LOW, effort=9.0, retries=9, timeout=9.0), description="else"),
        0,
        priority=Priority.LOW,
        effort=9.0,
        budget=Budget(usd=1),
        category="else",
        source=Source(file="else.yaml", line=9, column=9),
    )

    assert work_keys(changed) == work_keys(CHAIN)


CHANGES = {
    "requirement changed: title": with_requirement(CHAIN, 3, title="Other"),
    "requirement changed: description": with_requirement(CHAIN, 3, description="Other"),
    "requirement changed: acceptance": with_requirement(CHAIN, 3, acceptance=(FileCheck(path="else"),)),
    "agent changed: prompt": with_cards(CHAIN, prompt="Other"),
    "agent changed: tools": with_cards(CHAIN, tools=("Bash",)),
    "agent changed: model": with_cards(CHAIN, model="other"),
    "agent changed: rights": with_items(CHAIN, rights=Rights.FULL),
    "agent changed: runner": with_items(CHAIN, runner=RunnerSpec(kind="rehearsal")),
}


@pytest.mark.parametrize(("why", "plan"), CHANGES.items(), ids=CHANGES)
def test_what_makes_other_work_is_told(why: str, plan: Plan) -> None:
    """Each part of a requirement and of an agent that makes the work is told by its name when it changes."""
    verdict = judge(plan, (done(CHAIN),), frozenset())[item("D")]

    assert (verdict.work, verdict.why) == (None, why)


def test_words_for_a_person_are_told_once() -> None:
    """A criterion in words changes what an agent is asked, though no check; only the criteria are named then."""
    criteria = (*CHAIN.requirements[3].acceptance, TextCriterion(text="It is nice"))

    verdict = judge(with_requirement(CHAIN, 3, acceptance=criteria), (done(CHAIN),), frozenset())[item("D")]

    assert verdict.why == "requirement changed: acceptance"


def test_what_depends_on_it_says_so() -> None:
    """Items behind a changed one name the one before them."""
    verdicts = judge(with_requirement(CHAIN, 0, title="Other"), (done(CHAIN),), frozenset())

    assert verdicts[item("C")].why == f"depends on {item('B')}, which runs again"
    assert verdicts[item("D")].work is not None


def test_work_that_builds_on_other_work_is_other_work() -> None:
    """An item that waits for something else than before, or for nothing any more, runs again."""
    changed = changed_plan(CHAIN, items=(*CHAIN.items[:2], with_items(CHAIN, depends_on=()).items[2], CHAIN.items[3]))

    verdicts = judge(changed, (done(CHAIN),), frozenset())

    assert {name for name, one in verdicts.items() if one.work is None} == {item("C")}
    assert verdicts[item("C")].why == "depends on other items than before"


def test_work_of_two_pasts_is_not_mixed() -> None:
    """Where an old requirement is taken up again, what was built on another in the meantime does not count."""
    other = done(with_requirement(CHAIN, 0, title="Other"))
    old = Past(CHAIN, initial_state(RUN, CHAIN))
    first = done(CHAIN).state.items[item("A")]
    old = Past(CHAIN, RunState(RUN, old.state.items.with_entries({first.id: first})))

    verdicts = judge(CHAIN, (other, old), frozenset())

    assert {name for name, one in verdicts.items() if one.work is None} == {item("B"), item("C")}


def made(name: str, since: float, **files: str) -> ItemState:
    """An item that was finished and touched files: path -> how."""
    changes = tuple(FileChange.model_validate({"path": path, "change": change}) for path, change in files.items())
    return ItemState(item(name), ItemStatus.VERIFIED, since=since, files=changes)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (["a"], {"A", "B", "C"}),
        (["shared"], {"B", "C"}),
        (["scratch"], set[str]()),
        (["d", "unknown"], {"D"}),
        ([], set[str]()),
    ],
)
def test_work_whose_product_is_gone_does_not_count(missing: list[str], expected: set[str]) -> None:
    """Only the last item that touched a file answers for it, and nobody for a file that was deleted on purpose."""
    items = [
        made("A", 1.0, a="created", shared="created", scratch="created"),
        made("B", 2.0, shared="changed", scratch="deleted"),
        made("C", 3.0),
        made("D", 4.0, d="created"),
    ]
    past = Past(CHAIN, RunState(RUN, ItemTable(items)))

    assert again(CHAIN, past, *missing) == {item(name) for name in expected}


def test_a_path_that_is_no_text_is_not_looked_for() -> None:
    """A name that could not be written down cannot be found again, so it says nothing."""
    past = Past(plan_of(Part("A")), RunState(RUN, ItemTable([made("A", 1.0, **{"\ufffd.txt": "created"})])))

    assert [work.products for work in finished_work(past)] == [()]


def test_the_same_work_is_not_taken_twice() -> None:
    """Of two requirements that say the same, one that was not done is not done by the other's work."""
    twins = renamed(plan_of(Part("A")), lambda _name: "B")
    plan = plan_of(Part("A"))
    requirements, items = (*plan.requirements, *twins.requirements), (*plan.items, *twins.items)
    both = changed_plan(plan, requirements=requirements, items=items)

    assert again(both, done(plan)) == {item("B")}


def test_work_of_the_newest_past_goes_first() -> None:
    """Where an item was finished twice, the newer work stands for it."""
    plan = plan_of(Part("A"))
    newer, older = (Past(plan, RunState(RUN, ItemTable([made("A", since)]))) for since in (2.0, 1.0))

    (verdict,) = judge(plan, (newer, older), frozenset()).values()

    assert verdict.work is not None
    assert verdict.work.item is newer.state.items[item("A")]
