"""Going on from an earlier point, with another plan, or as another run: whatever happened before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.changes import finished, renamed, reordered, with_requirement, without
from tests.core.histories import RUN, History, failed, histories, item, plans, standing, started, told, verified

from prefect_swarm.core import events as on
from prefect_swarm.core.history import Start, Turn, begin_with, go_back, marks_of, outcome, take_in
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.outlook import Fate, Outlook
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.reuse import Past, judge
from prefect_swarm.core.state import ItemStatus, RunState, RunStatus, initial_state
from prefect_swarm.testing.plans import Part, plan_of

S = ItemStatus
PLAN = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("B",)), Part("D"))
START = Start(RunId("run-2"), "/out", 3, "begun from run-1")


def statuses(state: RunState) -> list[str]:
    """Where each item stands, in plan order."""
    return [item.status for item in state.items.values()]


def after(turn: Turn, state: RunState) -> RunState:
    """The state after the events of a turn alone."""
    return told(state, *turn.events)


@given(histories(), st.data())
def test_going_back_leaves_nothing_settled_that_was_not(history: History, data: st.DataObject) -> None:
    """After any history, gone back to any point of it: what is settled stood just so then, and open items are open."""
    place = data.draw(st.integers(0, len(history.records)))
    then = fold(initial_state(RUN, history.plan), history.records[:place])
    now = fold(then, history.records[place:])

    state = after(go_back(Past(history.plan, now), Past(history.plan, then), 1), now)

    for one in state.items.values():
        old = then.items[one.id]
        assert not one.settled or (one.status, one.generation) == (old.status, old.generation)
        assert one.attempt == now.items[one.id].attempt


@given(histories(), st.data())
def test_taking_changes_in_keeps_what_counts_and_nothing_else(history: History, data: st.DataObject) -> None:
    """After any history and with any small change of the plan, the verified items are those whose work still counts."""
    place = data.draw(st.integers(0, len(history.plan.items) - 1))
    order = data.draw(st.permutations(range(len(history.plan.items))))
    plan = data.draw(
        st.sampled_from(
            [with_requirement(history.plan, place, title="Other"), without(history.plan, place), history.plan]
        )
    )
    plan = reordered(plan, order) if len(plan.items) == len(order) else plan
    now = Past(history.plan, list(history.states())[-1])
    then = data.draw(st.sampled_from([None, Past(history.plan, data.draw(st.sampled_from(list(history.states()))))]))

    turn = take_in(now, plan, frozenset(), then=then, number=1)

    state = after(turn, now.state)
    counts = {name for name, one in judge(plan, (now, then) if then else (now,), frozenset()).items() if one.work}
    assert {one.id for one in state.items.values() if one.status is S.VERIFIED} == counts
    assert list(state.items) == [one.id for one in turn.plan.items]


@given(plans())
def test_a_fork_of_a_finished_run_has_nothing_to_do(plan: Plan) -> None:
    """Every item of a finished run is taken over, and whose work it is stays known."""
    past = finished(plan, initial_state(RUN, plan))

    state = outcome(begin_with(START, plan, (past,), frozenset()), past.state)

    assert set(statuses(state)) == {S.VERIFIED}
    assert {one.reused for one in state.items.values()} == {RUN}
    assert (state.output, state.status) == ("/out", RunStatus.RUNNING)


@given(histories())
def test_a_fork_begins_with_finished_work_only(history: History) -> None:
    """After any history, a fork has nothing that was not verified, and leaves all else open, with all its retries."""
    past = Past(history.plan, list(history.states())[-1])

    state = after(begin_with(START, history.plan, (past,), frozenset()), initial_state(RUN, history.plan))

    for one in state.items.values():
        assert one.status is S.PENDING or past.state.items[one.id].status is S.VERIFIED
        assert one.used == 0


def test_what_failed_in_an_ended_run_is_tried_anew_with_its_evidence() -> None:
    """As whenever an ended run goes on: also where changes of other requirements are taken in."""
    ended = started(PLAN, *verified("D"), *failed("A"), on.RunEnded(outcome="completed_with_failures"))

    state = after(take_in(Past(PLAN, ended), with_requirement(PLAN, 3, title="Other"), frozenset()), ended)

    assert statuses(state) == [S.PENDING] * 4
    assert (state.items[item("A")].used, state.items[item("A")].reason) == (0, "broke")
    assert state.items[item("D")].generation == 2


def test_what_a_changed_requirement_said_before_is_forgotten() -> None:
    """An item whose requirement changed starts without the evidence, the summary and the guidance of the old one."""
    before = started(PLAN, *failed("D"))

    state = after(take_in(Past(PLAN, before), with_requirement(PLAN, 3, title="Other"), frozenset()), before)

    one = state.items[item("D")]
    assert (one.status, one.failure, one.reason, one.output, one.attempt) == (S.PENDING, None, "", "", 1)


def test_what_was_not_begun_is_not_begun_anew() -> None:
    """A change of a requirement that nobody worked on is taken in without a word about its item."""
    before = started(PLAN, *verified("A"))

    rewound, *rest = take_in(Past(PLAN, before), with_requirement(PLAN, 3, title="Other"), frozenset()).events

    assert isinstance(rewound, on.RunRewound)
    assert (rewound.reopened, rest) == ((), [])


def test_blocked_items_are_open_where_their_cause_is_gone() -> None:
    """An item that waited for a failed one runs when that one is taken out of the requirements."""
    before = started(PLAN, *failed("A"), on.ItemBlocked(item=item("B"), cause=item("A"), reason="waits"))

    state = after(take_in(Past(PLAN, before), without(PLAN, 0), frozenset()), before)

    assert statuses(state) == [S.PENDING] * 3


def test_nothing_to_take_in_is_no_event() -> None:
    """The same plan and the same finished work leave history as it is; so does going back to where a run stands."""
    now = Past(PLAN, started(PLAN, *verified("A")))

    assert take_in(now, PLAN, frozenset()).events == ()
    assert go_back(now, now, 1).events == ()


def test_work_of_a_checkpoint_is_found_again() -> None:
    """Taken in from a checkpoint, what was finished then counts, although it was done otherwise since."""
    then = started(PLAN, *verified("A"))
    other = with_requirement(PLAN, 0, title="Other")
    now = after(take_in(Past(PLAN, then), other, frozenset()), then)

    turn = take_in(Past(other, now), PLAN, frozenset(), then=Past(PLAN, then), number=1)

    one = after(turn, now).items[item("A")]
    assert (one.status, one.reused, one.generation) == (S.VERIFIED, RUN, 3)


def test_marks_know_what_was_rewound() -> None:
    """Going back marks what came after; taking changes in from the end does not. The total is that of the plan then."""
    saved = [on.CheckpointSaved(number=n, completed=n, digest="") for n in (1, 2, 3, 4)]
    turned = [
        on.RunRewound(to=to, reason="", plan="", items=tuple(one.id for one in PLAN.items[:left]), reopened=())
        for to, left in ((1, 4), (0, 3))
    ]
    events = [*saved[:2], turned[0], saved[2], turned[1], saved[3]]
    records = [on.Record(RUN, 1, seq, float(seq), event) for seq, event in enumerate(events, 1)]

    marks = marks_of(records, len(PLAN.items))

    assert [(mark.number, mark.rewound, mark.total) for mark in marks] == [
        (1, False, 4),
        (2, True, 4),
        (3, False, 4),
        (4, False, 3),
    ]
    assert [mark.seq for mark in marks] == [1, 2, 4, 6]


def forecast(turn: Turn, now: Past) -> dict[str, tuple[str, str]]:
    """What is told of each item, by its part."""
    found = Outlook(turn, now, marks_of([on.Record(RUN, 1, 9, 0.0, MARK)], 4)).lines()
    return {line.item.split("/")[0]: (line.fate, line.why) for line in found}


MARK = on.CheckpointSaved(number=1, completed=1, digest="")


def test_a_forecast_says_why() -> None:
    """What is kept, what runs, what is new and what is gone, each with its reason."""
    now = Past(PLAN, started(PLAN, *verified("A"), *verified("D"), on.ItemReady(item=item("B"))))
    new = plan_of(Part("A"), Part("B", needs=("A",), description="Other"), Part("C", needs=("B",)), Part("E"))

    assert forecast(take_in(now, new, frozenset()), now) == {
        "A": (Fate.KEPT, "verified at checkpoint 1"),
        "B": (Fate.RUNS, "requirement changed: description"),
        "C": (Fate.RUNS, f"depends on {item('B')}, which runs again"),
        "E": (Fate.NEW, "new in the requirements"),
        "D": (Fate.GONE, "not in the requirements any more: Make D"),
    }


@pytest.mark.parametrize(
    ("ended", "a", "b"),
    [
        (False, (Fate.STAYS, "failed: broke"), (Fate.STAYS, "blocked: waits")),
        (True, (Fate.RUNS, "failed: broke; has all its retries"), (Fate.RUNS, f"was blocked by {item('A')}")),
    ],
)
def test_a_forecast_of_simply_going_on(ended: bool, a: tuple[str, str], b: tuple[str, str]) -> None:  # noqa: FBT001 - a case
    """What failed stays so in a run that was interrupted, and is tried anew in one that had ended."""
    end = on.RunEnded(outcome="failed") if ended else on.RunPaused(status="interrupted", reason="stopped")
    blocked = on.ItemBlocked(item=item("B"), cause=item("A"), reason="waits")
    now = Past(PLAN, started(PLAN, *failed("A"), blocked, *verified("D"), end))

    told = forecast(Turn(PLAN), now)

    assert (told["A"], told["B"]) == (a, b)
    assert told["C"] == (Fate.RUNS, "not begun")


def test_a_forecast_of_going_back() -> None:
    """Items that were settled after the checkpoint say so; others tell how they stand."""
    then = started(PLAN, *verified("A"))
    now = told(then, *verified("B"))
    now = standing(now, D=S.RETRY_WAITING)

    lines = forecast(go_back(Past(PLAN, now), Past(PLAN, then), 1), Past(PLAN, now))

    assert lines["A"] == (Fate.KEPT, "verified at checkpoint 1")
    assert lines["B"] == (Fate.RUNS, "verified after checkpoint 1")


def test_work_under_another_id_is_told_by_its_old_one() -> None:
    """A renumbered requirement is kept, and its old id is not called gone."""
    plan = plan_of(Part("A"))
    now = Past(plan, started(plan, *verified("A")))

    lines = forecast(take_in(now, renamed(plan, lambda _name: "B"), frozenset()), now)

    assert lines == {"B": (Fate.KEPT, f"the work of {item('A')}")}
