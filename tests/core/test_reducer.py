"""How events change the state of a run, and which cannot."""

from itertools import pairwise
from types import UnionType
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import (
    PASSED,
    REFUSED,
    History,
    begun,
    failed,
    histories,
    item,
    reported,
    standing,
    started,
    told,
    verified,
)

from prefect_swarm.core import events as on
from prefect_swarm.core.policy import POLICIES, Failure
from prefect_swarm.core.reducer import LEGAL, IllegalEvent, fold
from prefect_swarm.core.state import SETTLED, ItemStatus, RunStatus, initial_state
from prefect_swarm.testing.plans import Part, plan_of

A, B, C = item("A"), item("B"), item("C")
PLAN = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("B",)))
S = ItemStatus
OPEN = {S.PENDING, S.READY, S.RUNNING, S.RETRY_WAITING, S.RATE_LIMITED, S.ASKING, S.REPORTED}

# Each event with the statuses it may come from, and the one it leads to (None: the status stays).
MOVES: list[tuple[on.ItemEvent, set[S], S | None]] = [
    (on.ItemReady(item=A), {S.PENDING}, S.READY),
    (on.AttemptStarted(item=A, attempt=1), {S.READY, S.RETRY_WAITING, S.RATE_LIMITED}, S.RUNNING),
    (on.AttemptProgressed(item=A, attempt=1, fraction=0.5), {S.RUNNING}, None),
    (on.AttemptReported(item=A, attempt=1, seconds=1), {S.RUNNING}, S.REPORTED),
    (on.CheckFinished(item=A, attempt=1, evidence=PASSED), {S.REPORTED}, None),
    (
        on.AttemptFailed(item=A, attempt=1, failure=Failure.TIMED_OUT, reason="late"),
        {S.RUNNING, S.REPORTED},
        None,
    ),
    (
        on.AttemptFailed(item=A, attempt=1, failure=Failure.INTERRUPTED, reason="stopped"),
        {S.RUNNING, S.REPORTED},
        S.PENDING,
    ),
    (on.RetryScheduled(item=A, attempt=2, delay=5, due=5), {S.RUNNING, S.REPORTED}, S.RETRY_WAITING),
    (on.ItemVerified(item=A, attempt=1, seconds=1), {S.REPORTED}, S.VERIFIED),
    (on.ItemFailed(item=A, failure=Failure.AGENT_FAILED, reason="broke", remedy=""), OPEN, S.FAILED),
    (on.ItemFailed(item=A, failure=Failure.CANCELLED, reason="stopped", remedy=""), OPEN, S.CANCELLED),
    (on.ItemBlocked(item=A, cause=B, reason="waits"), {S.PENDING, S.READY}, S.BLOCKED),
    (on.ItemSkipped(item=A, reason="not needed"), OPEN | {S.FAILED, S.BLOCKED}, S.SKIPPED),
]

RUN_EVENTS: list[on.RunEvent] = [
    on.RunStarted(plan="sha256:0", max_parallel=2),
    on.PlanCompiled(plan="sha256:0", requirements=1, items=1),
    on.RunPaused(status="paused", reason="a person said so"),
    on.RunResumed(reason="it was paused"),
    on.RunEnded(outcome="completed"),
    on.RunRewound(to=1, reason="a person said so", plan="sha256:0", items=(A, B, C), reopened=(A,)),
    on.CheckpointSaved(number=1, completed=3, digest="0" * 64),
    on.InterventionRequested(question="q1", items=(A,), reason="broke"),
    on.InterventionDecided(question="q1", item=A, action="skip", by="me"),
    on.ErrorOccurred(where="prefect", message="away"),
    on.PrefectStateChanged(flow_run_id="f", state_type="RUNNING", name="Running"),
]


def kinds(union: UnionType) -> set[type]:
    """Return the classes of a union of events."""
    return set(get_args(union))


@pytest.mark.parametrize("status", ItemStatus)
@pytest.mark.parametrize(
    ("event", "sources", "target"), MOVES, ids=[f"{one.type}-{to or 'stays'}" for one, _, to in MOVES]
)
def test_an_item_moves_as_the_table_says(
    event: on.ItemEvent, sources: set[S], target: S | None, status: ItemStatus
) -> None:
    """An event leads from each status it is legal in to the one it says; elsewhere it is refused, changing nothing."""
    before = standing(started(PLAN), A=status)

    if status not in sources:
        with pytest.raises(IllegalEvent, match=f"{event.type}: A/fake is {status}"):
            told(before, event)
        assert before == standing(started(PLAN), A=status)
        return
    after = told(before, event, at=7.0)

    assert after.items[A].status is (target or status)
    assert (after.items[B], after.items[C]) == (before.items[B], before.items[C])
    assert after.seq == before.seq + 1


def test_the_table_of_legal_moves_is_the_whole_truth() -> None:
    """Every event of an item has its line in the table, and no other event has."""
    assert set(LEGAL) == kinds(on.ItemEvent)
    assert kinds(on.ItemEvent) == {type(event) for event, _, _ in MOVES}


def test_every_event_of_a_run_has_a_move() -> None:
    """Each kind of event that concerns the run as a whole is folded."""
    failed_once = started(PLAN, *failed("A"))

    seen = {type(event) for event in RUN_EVENTS if told(failed_once, event).seq == failed_once.seq + 1}

    assert seen == kinds(on.RunEvent)


@pytest.mark.parametrize("event", [event for event, _, _ in MOVES], ids=lambda event: event.type)
def test_an_item_that_the_plan_does_not_have_is_refused(event: on.ItemEvent) -> None:
    """An event of an unknown item cannot follow from any state."""
    stranger = event.model_copy(update={"item": item("Z")})

    with pytest.raises(IllegalEvent, match="the plan has no item Z/fake"):
        told(started(PLAN), stranger)


def test_a_cause_that_the_plan_does_not_have_is_refused() -> None:
    """An item cannot be blocked by something that is not in the plan."""
    with pytest.raises(IllegalEvent, match="the plan has no item Z/fake"):
        told(started(PLAN), on.ItemBlocked(item=A, cause=item("Z"), reason="waits"))


def test_a_decision_about_an_unknown_item_is_refused() -> None:
    """A person's answer names an item of the plan."""
    with pytest.raises(IllegalEvent, match="the plan has no item Z/fake"):
        told(started(PLAN), on.InterventionDecided(question="q", item=item("Z"), action="retry", by="me"))


def test_a_batch_with_an_illegal_event_changes_nothing() -> None:
    """Where one of several events cannot follow, none of them has happened."""
    before = started(PLAN)

    with pytest.raises(IllegalEvent):
        told(before, *begun("A"), on.ItemReady(item=A))

    assert before.items[A].status is ItemStatus.PENDING
    assert before.seq == 1


@given(histories(), st.lists(st.integers(0, 60), max_size=5))
def test_a_history_folds_to_the_same_state_in_any_portions(history: History, cuts: list[int]) -> None:
    """Whoever folds record by record, in portions or all at once arrives at the same state."""
    *_, one_by_one = history.states()
    edges = sorted({0, len(history.records), *(min(cut, len(history.records)) for cut in cuts)})

    state = initial_state(one_by_one.run_id, history.plan)
    for begin, end in pairwise(edges):
        state = fold(state, history.records[begin:end])

    assert state == one_by_one
    assert fold(initial_state(one_by_one.run_id, history.plan), history.records) == one_by_one


@given(histories())
def test_figures_of_an_item_stay_within_their_bounds(history: History) -> None:
    """Never more attempts count than there were, nothing runs backwards, and done stays done in a generation."""
    for before, after in pairwise(history.states()):
        for one in after.items.values():
            was = before.items[one.id]
            assert 0 <= one.used <= one.attempt
            assert one.attempt >= was.attempt
            assert one.generation >= was.generation
            assert 0 <= one.fraction <= 1
            assert one.settled is (one.status in SETTLED)
            assert was.status is not ItemStatus.VERIFIED or one == was or one.generation > was.generation
        assert after.count(*ItemStatus) == len(history.plan.items)
        assert after.seq == before.seq + 1


@given(histories())
def test_what_is_settled_opens_again_only_by_a_person_or_a_resume(history: History) -> None:
    """No event of an item leads out of an end, but skipping what failed or is blocked."""
    for record, (before, after) in zip(history.records, pairwise(history.states()), strict=True):
        opened = [one.id for one in after.items.values() if before.items[one.id].settled and not one.settled]
        assert not opened or isinstance(record.event, on.RunResumed | on.InterventionDecided | on.RunRewound)


@given(histories())
def test_nobody_can_disturb_verified_work(history: History) -> None:
    """After any history a verified item refuses every event that is about it."""
    *_, state = history.states()
    done = [one.id for one in state.items.values() if one.status is ItemStatus.VERIFIED]

    for key in done:
        for event, _, _ in MOVES:
            with pytest.raises(IllegalEvent):
                told(state, event.model_copy(update={"item": key}))


@pytest.mark.parametrize("failure", Failure)
def test_a_failure_costs_a_retry_only_where_its_policy_says_so(failure: Failure) -> None:
    """A missing tool, a broken checker, a rate limit, an interruption and a cancellation use up no retry."""
    free = {"tool_missing", "checker_broken", "rate_limited", "interrupted", "cancelled"}

    state = told(
        started(PLAN, *begun("A")), on.AttemptFailed(item=A, attempt=1, failure=failure, reason="broke", output="x")
    )

    assert state.items[A].used == (0 if failure.value in free else 1)
    assert (state.items[A].failure, state.items[A].reason, state.items[A].output) == (failure, "broke", "x")


def test_evidence_is_that_of_the_latest_attempt() -> None:
    """A second attempt's evidence replaces the first one's."""
    again = on.RetryScheduled(item=A, attempt=2, delay=5, due=5)
    broke = on.AttemptFailed(item=A, attempt=1, failure=Failure.CHECK_FAILED, reason="file: a.txt")
    first = started(PLAN, *begun("A"), reported("A"), on.CheckFinished(item=A, attempt=1, evidence=REFUSED), broke)

    second = told(
        first,
        again,
        on.AttemptStarted(item=A, attempt=2),
        reported("A", 2),
        on.CheckFinished(item=A, attempt=2, evidence=PASSED),
    )

    assert first.items[A].evidence == (REFUSED,)
    assert second.items[A].evidence == (PASSED,)
    assert second.items[A].failure is None


def test_an_attempt_that_never_reported_has_no_evidence() -> None:
    """What the checks said of an earlier attempt is not laid at the door of one that died before them."""
    checked = on.CheckFinished(item=A, attempt=1, evidence=REFUSED)
    broke = on.AttemptFailed(item=A, attempt=1, failure=Failure.CHECK_FAILED, reason="file: a.txt")
    again = on.RetryScheduled(item=A, attempt=2, delay=5, due=5)
    died = on.AttemptFailed(item=A, attempt=2, failure=Failure.AGENT_FAILED, reason="exit code 1")

    state = started(PLAN, *begun("A"), reported("A"), checked, broke, again, on.AttemptStarted(item=A, attempt=2), died)

    assert state.items[A].evidence == ()
    assert state.items[A].used == 2


def test_interrupting_a_run_lets_go_of_what_was_under_way() -> None:
    """Items that were waiting or worked on are pending again and keep what they have used; settled ones stay."""
    scheduled = on.RetryScheduled(item=B, attempt=2, delay=5, due=90.0)
    broke = on.AttemptFailed(item=B, attempt=1, failure=Failure.TIMED_OUT, reason="late")
    state = started(PLAN, *verified("A"), *begun("B"), broke, scheduled, *begun("C"))

    left = told(state, on.RunPaused(status="interrupted", reason="stopped by its operator"))

    assert left.status is RunStatus.INTERRUPTED
    assert [one.status for one in left.items.values()] == [S.VERIFIED, S.PENDING, S.PENDING]
    assert (left.items[B].used, left.items[B].due, left.items[B].attempt) == (1, 90.0, 1)


def test_pausing_a_run_disturbs_nobody() -> None:
    """A person's pause leaves running agents at work."""
    state = started(PLAN, *begun("A"))

    paused = told(state, on.RunPaused(status="paused", reason="lunch"))

    assert (paused.status, paused.reason) == (RunStatus.PAUSED, "lunch")
    assert paused.items == state.items


def test_a_crashed_executors_attempt_costs_nothing() -> None:
    """A resumed run puts what was in flight back to pending, with all retries it had."""
    crashed = started(PLAN, *begun("A"))

    resumed = told(crashed, on.RunResumed(reason="its executor had died", flow_run_id="f2", max_parallel=5))

    assert (resumed.items[A].status, resumed.items[A].used, resumed.items[A].attempt) == (S.PENDING, 0, 1)
    assert (resumed.status, resumed.flow_run_id, resumed.max_parallel) == (RunStatus.RUNNING, "f2", 5)


@pytest.mark.parametrize("failure", Failure)
def test_resuming_takes_up_what_failed_without_cost(failure: Failure) -> None:
    """Failures that used up no retry are tried again by any resume; the others only where a person asked for it."""
    ended = started(PLAN, *failed("A", failure), on.ItemBlocked(item=B, cause=A, reason="waits"))

    resumed = told(ended, on.RunResumed(reason="it was interrupted"))
    asked = told(ended, on.RunResumed(reason="it was failed", retry_failed=True))

    costly = POLICIES[failure].counts
    assert resumed.items[A].settled is costly
    assert resumed.items[B].status is (S.BLOCKED if costly else S.PENDING)
    assert (asked.items[A].status, asked.items[A].generation, asked.items[A].used) == (S.PENDING, 2, 0)
    assert (asked.items[B].status, asked.items[B].cause) == (S.PENDING, None)


def test_a_persons_retry_is_a_new_generation_with_guidance() -> None:
    """The item gets all its retries anew, and what it blocked can go on."""
    asked = on.InterventionRequested(question="q1", items=(A,), reason="broke")
    state = started(PLAN, *failed("A"), *_blocked(), asked)

    decided = told(
        state, on.InterventionDecided(question="q1", item=A, action="retry", by="me", guidance="use the other key")
    )

    mine = decided.items[A]
    assert (mine.status, mine.generation, mine.used, mine.attempt) == (S.PENDING, 2, 0, 1)
    assert mine.guidance == "use the other key"
    assert {decided.items[B].status, decided.items[C].status} == {S.PENDING}
    assert decided.questions == ()


def test_skipping_a_failed_item_leaves_what_it_blocks_blocked() -> None:
    """Going on without an item does not start what waits for it."""
    state = started(PLAN, *failed("A"), *_blocked())

    decided = told(state, on.InterventionDecided(question="q1", item=A, action="skip", by="Ada"))

    assert (decided.items[A].status, decided.items[A].reason) == (S.SKIPPED, "skipped by Ada")
    assert {decided.items[B].status, decided.items[C].status} == {S.BLOCKED}


def test_a_question_stays_open_until_each_of_its_items_is_answered() -> None:
    """An answer for one item leaves the question open for the others."""
    plan = plan_of(Part("A"), Part("B"))
    asked = on.InterventionRequested(question="q1", items=(A, B), reason="broke")
    state = started(plan, *failed("A"), *failed("B"), asked)

    one = told(state, on.InterventionDecided(question="q1", item=A, action="skip", by="me"))
    both = told(one, on.InterventionDecided(question="q1", item=B, action="retry", by="me"))

    assert [question.items for question in one.questions] == [(B,)]
    assert both.questions == ()


def test_a_late_answer_is_refused() -> None:
    """One answer wins: when the item is open again or skipped, a second one cannot follow."""
    state = started(PLAN, *failed("A"))
    answered = told(state, on.InterventionDecided(question="q1", item=A, action="retry", by="me"))

    with pytest.raises(IllegalEvent, match="intervention_decided: A/fake is pending"):
        told(answered, on.InterventionDecided(question="q1", item=A, action="skip", by="you"))


def test_a_skipped_item_is_not_blocked_by_anything() -> None:
    """Once an item is skipped, it is itself the cause for what waits for it."""
    state = started(PLAN, *failed("A"), on.ItemBlocked(item=B, cause=A, reason="waits"))

    skipped = told(state, on.ItemSkipped(item=B, reason="not needed"))

    assert (skipped.items[B].status, skipped.items[B].cause) == (S.SKIPPED, None)


def test_only_the_latest_errors_are_kept() -> None:
    """A run remembers ten errors, the newest last."""
    state = started(PLAN)

    for number in range(25):
        state = told(state, on.ErrorOccurred(where="prefect", message=str(number)))

    assert [error.message for error in state.errors] == [str(number) for number in range(15, 25)]


def test_an_ended_run_keeps_its_end_and_asks_nothing() -> None:
    """The end of a run is told with its time and reason, and closes every question."""
    asked = on.InterventionRequested(question="q1", items=(A,), reason="broke")
    state = started(PLAN, *failed("A"), asked)

    ended = told(state, on.RunEnded(outcome="aborted", reason="aborted by a person"), at=99.0)

    assert (ended.status, ended.reason, ended.ended) == (RunStatus.ABORTED, "aborted by a person", 99.0)
    assert ended.questions == ()
    assert ended.status.ended


def _blocked() -> tuple[on.Event, ...]:
    return tuple(on.ItemBlocked(item=one, cause=A, reason="waits for A/fake, which is failed") for one in (B, C))
