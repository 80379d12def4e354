"""A run that goes back, or on with another plan: a new stream of the same journal, whole or not at all."""

from collections.abc import Callable

import pytest
from tests.core.histories import item, verified
from tests.journal.conftest import PLAN, RUN

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import StorageFailed
from prefect_swarm.core.state import ItemStatus
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part, plan_of

A, B, C = item("A"), item("B"), item("C")
NEW = plan_of(Part("A"), Part("C", needs=("A",)), project="Renamed")
CHANGED = on.RunRewound(to=0, reason="changed", plan=NEW.digest, items=(A, C), reopened=())
AGAIN = on.RunRewound(to=1, reason="again", plan=PLAN.digest, items=(A, B), reopened=(A,))


def test_a_rewound_run_begins_a_new_stream(journal: Journal) -> None:
    """The record that turns history back and all after it belong to the next stream; numbers go on."""
    journal.append(RUN, verified("A"))
    written = journal.append(RUN, [AGAIN, on.ItemReady(item=A)])
    later = journal.append(RUN, [on.AttemptStarted(item=A, attempt=2), AGAIN])

    assert [(one.stream, one.seq) for one in (*written, *later)] == [(2, 5), (2, 6), (2, 7), (3, 8)]
    assert journal.records(RUN)[4:] == written + later
    assert {one.stream for one in journal.records(RUN)[:4]} == {1}
    assert journal.state(RUN).stream == 3


def test_a_run_goes_on_with_another_plan(journal: Journal, open_again: Callable[[], Journal]) -> None:
    """From the record on the plan is the new one, and the state has its items with what was done before."""
    journal.append(RUN, verified("A"))

    journal.append(RUN, [CHANGED], plan=NEW)

    again = open_again()
    assert (again.plan(RUN), [entry.project for entry in again.runs()]) == (NEW, ["Renamed"])
    for known in (None, NEW, PLAN):
        state = again.state(RUN, known)
        assert [(one.id, one.status) for one in state.items.values()] == [
            (A, ItemStatus.VERIFIED),
            (C, ItemStatus.PENDING),
        ]


def test_a_plan_at_hand_that_is_not_the_first_one_is_not_begun_with(journal: Journal) -> None:
    """What happened before the plan was changed is folded over the items that there were then."""
    journal.append(RUN, [*verified("A"), *verified("B")])
    journal.append(RUN, [CHANGED], plan=NEW)

    assert journal.state(RUN, NEW) == journal.state(RUN)


@pytest.mark.parametrize("place", ["before_commit", "after_commit"])
def test_a_crash_leaves_plan_stream_and_records_of_one_moment(
    journal: Journal,
    open_again: Callable[[], Journal],
    failpoints: Callable[[Callable[[str], None]], None],
    place: str,
) -> None:
    """Either everything of a change of plan is there or nothing, and the run can be read and gone on with."""
    journal.append(RUN, verified("A"))

    def fail(name: str) -> None:
        if name == place:
            raise OSError("pulled the plug")

    failpoints(fail)
    with pytest.raises((OSError, StorageFailed), match="pulled"):
        journal.append(RUN, [CHANGED], plan=NEW)
    failpoints(lambda _name: None)

    again = open_again()
    done = place == "after_commit"
    assert again.plan(RUN) == (NEW if done else PLAN)
    assert list(again.state(RUN).items) == ([A, C] if done else [A, B])
    assert again.append(RUN, [AGAIN])[0].stream == (3 if done else 2)
