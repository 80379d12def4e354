"""The checker must find what it is there for: each rule is shown a good history that was spoilt in one way."""

from dataclasses import replace
from types import FunctionType

import pytest

from prefect_swarm.core import events as on
from prefect_swarm.core.events import Event, Record
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.testing.checker import RULES, History, violations
from prefect_swarm.testing.fakeagent import Line
from prefect_swarm.testing.plans import Part, plan_of

A, B = ItemId("A/fake"), ItemId("B/fake")
PLAN = plan_of(Part("A", retries=1), Part("B", needs=("A",)), Part("C"))


def _attempt(item: ItemId, number: int) -> tuple[Event, ...]:
    return on.ItemReady(item=item), on.AttemptStarted(item=item, attempt=number)


def _verified(item: ItemId, attempt: int) -> on.ItemVerified:
    return on.ItemVerified(item=item, attempt=attempt, seconds=1.0)


def _line(what: str, item: ItemId, attempt: int) -> Line:
    return Line(what=what, item=item, attempt=attempt, pid=100 + attempt, at=0.0)


def _records(*events: Event) -> tuple[Record, ...]:
    return tuple(Record(RunId("r"), 1, seq, 0.0, event) for seq, event in enumerate(events, 1))


STARTED = on.RunStarted(plan="x", max_parallel=1, flow_run_id="1", output="/o")
EVENTS = (
    STARTED,
    *_attempt(A, 1),
    on.RunResumed(reason="its executor had died", max_parallel=1),
    *_attempt(A, 2),
    _verified(A, 2),
    *_attempt(B, 1),
    _verified(B, 1),
)
LEDGER = (
    _line("start", A, 1),
    _line("start", A, 2),
    _line("end", A, 2),
    _line("start", B, 1),
    _line("end", B, 1),
)
GOOD = History(PLAN, LEDGER, _records(*EVENTS), kills=1, acknowledged=((1, "run_started"), (10, "item_verified")))


def test_a_good_history_has_no_violations() -> None:
    """A run that was killed once and kept what is promised is found good."""
    assert violations(GOOD) == ()


SPOILT = {
    "_gaps": replace(GOOD, records=GOOD.records[:3] + GOOD.records[4:]),
    "_lost": replace(GOOD, acknowledged=((11, "run_ended"),)),
    "_committed_twice": replace(GOOD, records=_records(*EVENTS, _verified(A, 2))),
    "_started_after_commit": replace(GOOD, records=_records(*EVENTS, *_attempt(A, 3))),
    "_unknown_or_doubled": replace(GOOD, ledger=(*LEDGER, _line("start", A, 3))),
    "_committed_unfinished": replace(GOOD, ledger=LEDGER[:-1]),
    "_started_too_often": replace(GOOD, ledger=(*(_line("start", A, 1),) * 3, *LEDGER)),
    "_started_too_early": replace(GOOD, records=_records(STARTED, *_attempt(B, 1))),
    "_too_many_at_once": replace(GOOD, ledger=(*LEDGER[:2], _line("start", B, 1), *LEDGER[2:3], *LEDGER[4:])),
    "_left_at_work": replace(GOOD, ledger=(*LEDGER[:2], _line("end", A, 1), *LEDGER[2:])),
    "_alive": replace(GOOD, living=(4711,)),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_finds_what_it_is_for(rule: FunctionType) -> None:
    """Each rule finds the history that was spoilt for it, and has nothing to say of the good one."""
    assert tuple(rule(GOOD)) == ()
    assert tuple(rule(SPOILT[rule.__name__]))


@pytest.mark.parametrize(
    "spoilt",
    [
        replace(GOOD, ledger=(*LEDGER, _line("start", B, 1))),
        replace(GOOD, ledger=(LEDGER[3], *LEDGER[:3], LEDGER[4])),
        replace(GOOD, kills=0, ledger=(*LEDGER[:2], *(_line("start", A, 2),) * 2, *LEDGER[2:])),
    ],
    ids=["an attempt worked on twice", "began before what it needs had ended", "once more than retries allow"],
)
def test_the_ledger_alone_gives_a_run_away(spoilt: History) -> None:
    """What agents did without a word in the journal is found by their ledger."""
    assert violations(spoilt)


def test_a_person_may_have_work_done_anew() -> None:
    """Rewinding a run reopens its items: they may be started and committed again."""
    rewound = on.RunRewound(to=0, reason="asked for", plan="x", items=(A, B), reopened=(B,))
    again = replace(
        GOOD,
        ledger=(*LEDGER, _line("start", B, 2), _line("end", B, 2)),
        records=_records(*EVENTS, rewound, *_attempt(B, 2), _verified(B, 2)),
    )

    assert violations(again) == ()
