"""What is to be done next: the scheduler as a function of plan and state, step by step and over whole runs."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.histories import begun, failed, item, plans, standing, started, told, verified
from tests.core.simulation import Simulation

from prefect_swarm.core import events as on
from prefect_swarm.core.agenda import Agenda
from prefect_swarm.core.events import End
from prefect_swarm.core.graph import efforts, ranks
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.requirement import Priority
from prefect_swarm.core.scheduler import Action, Ask, Block, Finish, Interrupt, Limits, Mark, Start, decide
from prefect_swarm.core.state import SETTLED, UNMET, ItemStatus, RunState, RunStatus
from prefect_swarm.testing.plans import Part, plan_of

LIMITS = Limits(max_parallel=2, checkpoint_every=3)
CHAIN = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("B",)))
FOUR = plan_of(Part("A"), Part("B"), Part("C"), Part("D"))


def decided(plan: Plan, state: RunState, limits: Limits = LIMITS, *, now: float = 0.0) -> tuple[Action, ...]:
    """Ask the scheduler about a state."""
    return decide(agenda(plan, state), limits, now)


def agenda(plan: Plan, state: RunState) -> Agenda:
    """Give the agenda of a state."""
    return Agenda(plan, state, ranks(plan, efforts(plan)))


def names(actions: tuple[Action, ...]) -> list[ItemId]:
    """Return the items that are to be started."""
    return [action.item.id for action in actions if isinstance(action, Start)]


# -- whole runs ----------------------------------------------------------------------------------------------

simulations = st.builds(
    Simulation,
    plan=plans(),
    chance=st.randoms(use_true_random=False),
    limits=st.builds(Limits, max_parallel=st.integers(1, 3), checkpoint_every=st.integers(1, 4), ask=st.booleans()),
)


@given(simulations)
def test_every_run_ends_exactly_once_with_every_item_settled(run: Simulation) -> None:
    """Whatever fails, a run comes to one end, after which there is nothing to do."""
    run.run()

    assert run.state.status.ended
    assert [type(action) for action in run.actions].count(Finish) == 1
    assert isinstance(run.actions[-1], Finish)
    assert {one.status for one in run.state.items.values()} <= SETTLED
    assert run.decide() == ()


@given(simulations)
def test_nothing_starts_before_what_it_waits_for_is_verified(run: Simulation) -> None:
    """At every start all the item's dependencies are verified already."""
    run.run()

    done = set[ItemId]()
    for record in run.records:
        if isinstance(record.event, on.ItemVerified):
            done.add(record.event.item)
        if isinstance(record.event, on.ItemReady | on.AttemptStarted):
            assert set(run.plan.item_by_id[record.event.item].depends_on) <= done


@given(simulations)
def test_the_window_is_never_wider_than_the_limit(run: Simulation) -> None:
    """Never more items wait for a slot than there are slots."""
    while not run.over:
        run.step()

        assert run.state.count(ItemStatus.READY) <= run.limits.max_parallel


@given(simulations)
def test_verified_items_are_never_started_again(run: Simulation) -> None:
    """What is done is done once, whatever a person decides about other items."""
    run.run()

    starts = [record.event.item for record in run.records if isinstance(record.event, on.AttemptStarted)]
    ends = [record.event.item for record in run.records if isinstance(record.event, on.ItemVerified)]
    assert len(ends) == len(set(ends))
    for key in ends:
        last_start = max(r.seq for r in run.records if isinstance(r.event, on.AttemptStarted) and r.event.item == key)
        end = next(r.seq for r in run.records if isinstance(r.event, on.ItemVerified) and r.event.item == key)
        assert last_start < end
    assert set(ends) <= set(starts)


@given(simulations)
def test_what_is_blocked_names_the_item_where_the_trouble_began(run: Simulation) -> None:
    """A blocked item's cause is an item upstream of it that failed, was cancelled or was skipped itself."""
    run.run()

    for one in run.state.items.values():
        if one.status is ItemStatus.BLOCKED:
            assert one.cause is not None
            assert one.cause in _upstream(run.plan, one.id)
            assert run.state.items[one.cause].status in UNMET - {ItemStatus.BLOCKED}
        assert (one.status is ItemStatus.BLOCKED) is (one.cause is not None)


@given(simulations)
def test_marks_are_made_every_so_many_completed_items_and_at_the_end(run: Simulation) -> None:
    """Between two checkpoints lie at most as many completed items as the setting says; the last holds them all."""
    while not run.over:
        run.step()
        behind = run.state.count(ItemStatus.VERIFIED) - run.state.marked
        assert behind <= run.limits.checkpoint_every

    marks = [action.completed for action in run.actions if isinstance(action, Mark)]
    early = marks[:-1] if not run.limits.ask else []
    assert marks[-1] == run.state.count(ItemStatus.VERIFIED)
    assert all(later - sooner >= run.limits.checkpoint_every for sooner, later in pairwise([0, *early]))


@given(simulations, st.integers(0, 30), st.booleans())
def test_a_draining_run_is_left_once_nothing_is_at_work(run: Simulation, steps: int, at_once: bool) -> None:  # noqa: FBT001 - hypothesis chooses it
    """A run that drains starts nothing more, and is interrupted (or ended) when its attempts are over."""
    run.run(steps=steps)
    run.limits = replace(run.limits, draining=True, ask=False)
    before = len(run.actions)
    if at_once:
        run.interrupt_attempts()

    run.run()

    assert run.over
    assert not any(isinstance(action, Start) for action in run.actions[before:])
    assert not run.state.count(ItemStatus.RUNNING, ItemStatus.REPORTED, ItemStatus.READY, ItemStatus.RETRY_WAITING)


@given(simulations, st.integers(0, 30))
def test_an_interrupted_run_goes_on_to_its_end(run: Simulation, steps: int) -> None:
    """Resumed, a run that was left finishes what was open, and nothing twice."""
    run.run(steps=steps)
    run.limits = replace(run.limits, draining=True)
    run.run()
    run.limits = replace(run.limits, draining=False)

    if not run.state.status.ended:
        run.tell(on.RunResumed(reason="it was interrupted"))
    run.run()

    ends = [record.event.item for record in run.records if isinstance(record.event, on.ItemVerified)]
    assert run.state.status.ended
    assert len(ends) == len(set(ends))


@given(plans(), st.randoms(use_true_random=False))
def test_without_failures_everything_is_verified(plan: Plan, chance: Random) -> None:
    """A run whose agents all do their work is completed."""
    run = Simulation(plan, chance, LIMITS, success=1.0)

    run.run()

    assert run.state.status is RunStatus.COMPLETED
    assert run.state.count(ItemStatus.VERIFIED) == len(plan.items)


def _upstream(plan: Plan, key: ItemId) -> set[ItemId]:
    found, open_ones = set[ItemId](), list(plan.item_by_id[key].depends_on)
    while open_ones:
        one = open_ones.pop()
        found.add(one)
        open_ones.extend(plan.item_by_id[one].depends_on)
    return found


# -- single decisions ----------------------------------------------------------------------------------------


def test_as_many_are_started_as_there_are_slots() -> None:
    """The first of those that may start fill the window; the others wait for the next decision."""
    assert names(decided(FOUR, started(FOUR))) == [item("A"), item("B")]
    assert names(decided(FOUR, standing(started(FOUR), A=ItemStatus.READY))) == [item("B")]
    assert names(decided(FOUR, standing(started(FOUR), A=ItemStatus.READY, B=ItemStatus.READY))) == []


def test_the_next_ones_wait_at_the_gate_while_all_slots_are_taken() -> None:
    """Items at work do not shut the window, so that a freed slot is taken at once."""
    state = standing(started(FOUR), A=ItemStatus.RUNNING, B=ItemStatus.RUNNING)

    assert names(decided(FOUR, state)) == [item("C"), item("D")]


def test_priority_goes_before_the_longest_path_and_that_before_the_files_order() -> None:
    """More urgent first; among equals the one that more work waits for; then as in the file."""
    plan = plan_of(
        Part("A", priority=Priority.LOW),
        Part("B"),
        Part("C"),
        Part("D"),
        Part("E", needs=("C",)),
        Part("F", priority=Priority.CRITICAL),
    )

    chosen = decided(plan, started(plan), Limits(max_parallel=9, checkpoint_every=3))

    assert names(chosen) == [item(name) for name in "FCBDA"]


def test_what_an_urgent_item_waits_for_is_as_urgent() -> None:
    """Priority is inherited upwards: with one slot, the way to the critical item is freed first."""
    plan = plan_of(Part("A", priority=Priority.HIGH), Part("B", priority=Priority.LOW), _critical(needs="B"))

    chosen = decided(plan, started(plan), Limits(max_parallel=1, checkpoint_every=3))

    assert names(chosen) == [item("B")]


def test_blocks_carry_the_root_cause_and_say_what_they_wait_for() -> None:
    """Down a chain each item names the failed one as its cause, and its own neighbour in the reason."""
    state = started(CHAIN, *failed("A"))

    first = decided(CHAIN, state)
    second = decided(CHAIN, told(state, on.ItemBlocked(item=item("B"), cause=item("A"), reason="waits for A")))

    assert first == (Block(CHAIN.items[1], item("A"), "waits for A/fake, which is failed: broke"),)
    assert second == (Block(CHAIN.items[2], item("A"), "waits for B/fake, which is blocked: waits for A"),)


def test_a_skipped_item_blocks_what_waits_for_it() -> None:
    """Going on without an item is no reason to start what builds on it."""
    skipped = on.InterventionDecided(question="q", item=item("A"), action="skip", by="Ada")

    chosen = decided(CHAIN, started(CHAIN, *failed("A"), skipped))

    assert chosen == (Block(CHAIN.items[1], item("A"), "waits for A/fake, which is skipped: skipped by Ada"),)


def test_a_retry_that_waits_after_a_resume_keeps_its_time() -> None:
    """An item that is due later is not started before, and the conductor is told when to look again."""
    waiting = on.RetryScheduled(item=item("A"), attempt=2, delay=5, due=105.0)
    state = started(CHAIN, *begun("A"), waiting, on.RunPaused(status="interrupted", reason="stopped"))
    resumed = told(state, on.RunResumed(reason="it was interrupted"))

    assert decided(CHAIN, resumed, now=100.0) == ()
    assert agenda(CHAIN, resumed).next_due(now=100.0) == 5.0
    assert names(decided(CHAIN, resumed, now=105.0)) == [item("A")]
    assert agenda(CHAIN, resumed).next_due(now=200.0) == 0.0


def test_prefect_looks_after_retries_that_are_its_own() -> None:
    """An item that waits for a retry within its task run is not the scheduler's to start."""
    state = started(CHAIN, *begun("A"), on.RetryScheduled(item=item("A"), attempt=2, delay=5, due=105.0))

    assert decided(CHAIN, state, now=999.0) == ()
    assert agenda(CHAIN, state).next_due(now=0.0) is None


@pytest.mark.parametrize("status", ["paused", "suspended", "interrupted"])
def test_a_run_that_is_not_running_is_left_alone(status: str) -> None:
    """Nothing is started, blocked or ended while a run is paused."""
    paused = on.RunPaused.model_validate({"status": status, "reason": "a person said so"})

    assert decided(CHAIN, started(CHAIN, *failed("A"), paused)) == ()


def test_an_open_question_is_waited_for() -> None:
    """Nothing is decided until the person has answered."""
    asked = on.InterventionRequested(question="q", items=(item("A"),), reason="broke")

    assert decided(CHAIN, started(CHAIN, *failed("A"), asked)) == ()


def test_a_person_is_asked_before_a_run_with_failures_ends() -> None:
    """With somebody to ask, failed items become a question and the run does not end, but it is marked."""
    blocks = [on.ItemBlocked(item=item(name), cause=item("A"), reason="waits") for name in "BC"]
    state = started(CHAIN, *failed("A"), *blocks)

    chosen = decided(CHAIN, state, Limits(max_parallel=2, checkpoint_every=3, ask=True))

    assert chosen == (Mark(0), Ask((item("A"),)))


def test_a_third_completed_item_is_marked_before_more_is_started() -> None:
    """The checkpoint that is due comes first."""
    state = started(FOUR, *verified("A"), *verified("B"), *verified("C"))

    chosen = decided(FOUR, state)

    assert chosen == (Mark(3), Start(FOUR.items[3]))


@pytest.mark.parametrize(
    ("done", "lost", "outcome", "reason"),
    [
        ("ABCD", "", "completed", ""),
        ("ABC", "D", "completed_with_failures", "failed: D/fake"),
        ("", "ABCD", "failed", "failed: A/fake, B/fake, C/fake and 1 more"),
    ],
)
def test_the_end_tells_how_much_was_completed(done: str, lost: str, outcome: End, reason: str) -> None:
    """All verified is completed, none is failed, anything between is completed with failures."""
    state = standing(
        started(FOUR), **dict.fromkeys(done, ItemStatus.VERIFIED), **dict.fromkeys(lost, ItemStatus.FAILED)
    )

    assert decided(FOUR, state) == (Mark(len(done)), Finish(outcome, reason))


def test_a_draining_run_waits_for_what_is_at_work() -> None:
    """While an attempt holds a slot the run is not left; once none does, it is."""
    draining = Limits(max_parallel=2, checkpoint_every=3, draining=True)
    busy = started(FOUR, *begun("A"))

    assert decided(FOUR, busy, draining) == ()
    assert decided(FOUR, started(FOUR), draining) == (Interrupt(),)


def _critical(*, needs: str) -> Part:
    return Part("Z", needs=(needs,), priority=Priority.CRITICAL)
