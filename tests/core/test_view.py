"""What people and programs are shown of a run."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from tests.core.histories import PASSED, REFUSED, History, begun, failed, histories, item, reported, started, verified

from prefect_swarm.core import events as on
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.policy import POLICIES, Failure
from prefect_swarm.core.requirement import FileCheck, TextCriterion
from prefect_swarm.core.state import ItemStatus, RequirementStatus, RunState
from prefect_swarm.core.view import RunView, touched, view_run, view_update
from prefect_swarm.testing.plans import Part, plan_of

WORDS = TextCriterion(text="It is pleasant to use")
CHECKED = plan_of(Part("A", acceptance=(FileCheck(path="a.txt"), WORDS)), Part("B", needs=("A",)), Part("C"))


def checked(evidence: on.Evidence) -> tuple[on.Event, ...]:
    """Have A worked on and checked."""
    return *begun("A"), reported("A"), on.CheckFinished(item=item("A"), attempt=1, evidence=evidence)


def criteria(plan: Plan, *events: on.Event) -> list[str]:
    """Return what became of the criteria of A."""
    return [one.status for one in view_run(plan, started(plan, *events), 0.0).requirements[0].criteria]


def test_a_passed_check_proves_its_criterion_and_no_other() -> None:
    """A criterion in words stays unproved whatever the checks say."""
    assert criteria(CHECKED) == ["unproved", "unproved"]
    assert criteria(CHECKED, *checked(PASSED)) == ["proved", "unproved"]
    assert criteria(CHECKED, *checked(REFUSED)) == ["failed", "unproved"]


def test_a_rehearsal_proves_nothing() -> None:
    """Evidence that was only played leaves every criterion unproved, though the item is verified."""
    played = PASSED.model_copy(update={"rehearsed": True})
    plan = Plan.model_validate({**CHECKED.model_dump(), "rehearsal": True})
    done = on.ItemVerified(item=item("A"), attempt=1, seconds=1)

    shown = view_run(plan, started(plan, *checked(played), done), 0.0)

    assert shown.rehearsal
    assert shown.items[0].status is ItemStatus.VERIFIED
    assert (shown.progress.proved, shown.progress.criteria) == (0, 4)
    assert {one.status for one in shown.requirements[0].criteria} == {"unproved"}


def test_a_run_is_shown_with_its_figures() -> None:
    """Counts, percentages and the agent's work agree with what has happened."""
    state = started(CHECKED, *verified("A"), *begun("B"), *failed("C"))

    shown = view_run(CHECKED, state, 0.0)

    assert shown.progress.items == {ItemStatus.RUNNING: 1, ItemStatus.VERIFIED: 1, ItemStatus.FAILED: 1}
    assert shown.progress.requirements == {
        RequirementStatus.IN_PROGRESS: 1,
        RequirementStatus.COMPLETED: 1,
        RequirementStatus.FAILED: 1,
    }
    assert [round(one.percent) for one in shown.requirements] == [100, 0, 0]
    assert round(shown.progress.percent) == 33
    assert shown.agents[0].model_dump(include={"running", "items", "verified", "failed", "attempts"}) == {
        "running": (item("B"),),
        "items": 3,
        "verified": 1,
        "failed": 1,
        "attempts": 3,
    }


def test_a_failure_is_shown_with_its_remedy_and_what_it_blocks() -> None:
    """Whoever looks at a failed or blocked requirement reads why, and what to do now."""
    blocked = on.ItemBlocked(item=item("B"), cause=item("A"), reason="waits for A/fake, which is failed")

    shown = view_run(CHECKED, started(CHECKED, *failed("A", Failure.TOOL_MISSING), blocked), 0.0)

    assert shown.items[0].remedy == POLICIES[Failure.TOOL_MISSING].remedy
    assert [one.reason for one in shown.requirements] == ["broke", "waits for A/fake, which is failed", ""]
    assert shown.requirements[1].status is RequirementStatus.BLOCKED


def test_the_end_of_a_run_has_no_estimate() -> None:
    """What is over takes no more time."""
    running = started(CHECKED, *verified("A"))
    ended = started(CHECKED, *verified("A"), on.RunEnded(outcome="failed"))

    assert view_run(CHECKED, running, 0.0).progress.eta is not None
    assert view_run(CHECKED, ended, 0.0).progress.eta is None


def test_an_update_holds_what_the_events_touched_and_nothing_else() -> None:
    """Work on one item sends that item, its requirement and its agent, not the rest of the run."""
    records = (on.Record(started(CHECKED).run_id, 1, 2, 0.0, on.ItemReady(item=item("C"))),)

    update = view_update(CHECKED, started(CHECKED, on.ItemReady(item=item("C"))), touched(records), 0.0)

    assert [one.id for one in update.items] == [item("C")]
    assert [one.id for one in update.requirements] == ["C"]
    assert update.after == 2


@settings(max_examples=60)
@given(histories())
def test_whoever_follows_the_updates_sees_the_run_as_it_is(history: History) -> None:
    """A first view, mended with the update of each event, equals the view of the end."""
    states = list(history.states())
    shown = view_run(history.plan, states[0], 0.0)

    for record, (_, after) in zip(history.records, pairwise(states), strict=True):
        shown = _mended(shown, history.plan, record, after)

    whole = view_run(history.plan, states[-1], 0.0)
    assert (shown.items, shown.requirements) == (whole.items, whole.requirements)
    assert (shown.agents, shown.progress) == (whole.agents, whole.progress)


@settings(max_examples=60)
@given(histories())
def test_any_view_can_be_sent_as_json_and_read_back(history: History) -> None:
    """What is shown travels as JSON and means the same at the other end."""
    *_, state = history.states()
    shown = view_run(history.plan, state, 0.0)

    sent = json.loads(shown.model_dump_json())

    assert RunView.model_validate(sent) == shown
    assert all(0 <= one["percent"] <= 100 for one in [*sent["items"], *sent["requirements"], sent["progress"]])
    assert all(one["retries_left"] >= 0 for one in sent["items"])


def _mended(shown: RunView, plan: Plan, record: on.Record, after: RunState) -> RunView:
    """Put what an update brings into the place of what was shown before."""
    update = view_update(plan, after, touched((record,)), 0.0)
    return shown.model_copy(
        update={
            "progress": update.progress,
            "items": _replaced(shown.items, {one.id: one for one in update.items}),
            "requirements": _replaced(shown.requirements, {one.id: one for one in update.requirements}),
            "agents": tuple(update.agents) or shown.agents,
        }
    )


def _replaced(old: tuple[Any, ...], new: dict[Any, Any]) -> tuple[Any, ...]:
    return tuple(new.get(one.id, one) for one in old)
