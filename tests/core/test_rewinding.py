"""Going back to an earlier point, going on with another plan, and work that another run did."""

import pytest
from tests.core.histories import PASSED, failed, item, standing, started, told, verified

from prefect_swarm.core import events as on
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.reducer import IllegalEvent
from prefect_swarm.core.state import ItemStatus, RunStatus
from prefect_swarm.testing.plans import Part, plan_of

A, B, C = item("A"), item("B"), item("C")
PLAN = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("B",)))
S = ItemStatus


def test_rewinding_reopens_what_it_names_and_what_that_blocked() -> None:
    """Reopened items are pending as a new generation with all their retries; what they blocked is open again."""
    ended = started(PLAN, *verified("A"), *failed("B"), on.ItemBlocked(item=C, cause=B, reason="waits"))

    rewound = told(ended, on.RunRewound(to=1, reason="again", plan=PLAN.digest, items=(A, B, C), reopened=(A, B)))

    assert [item.status for item in rewound.items.values()] == [S.PENDING] * 3
    assert [item.generation for item in rewound.items.values()] == [2, 2, 1]
    assert rewound.items[B].used == 0
    assert (rewound.status, rewound.marked, rewound.ended) == (RunStatus.INTERRUPTED, 0, None)


def test_rewinding_to_another_plan_has_the_items_of_that_plan() -> None:
    """Items that the new plan lacks are gone, new ones are pending, the others stay as they were; in the new order."""
    before = started(PLAN, *verified("A"))
    new = item("NEW")

    after = told(before, on.RunRewound(to=0, reason="changed", plan="sha256:1", items=(new, C, A), reopened=()))

    assert list(after.items) == [new, C, A]
    assert (after.items[A], after.items[new].status) == (before.items[A], S.PENDING)


def test_work_of_another_run_is_taken_over_from_pending_only() -> None:
    """An open item that nobody works on is verified by what another run made, which it keeps."""
    files = (on.FileChange(path="a.txt", change="created", size=1, sha256="0" * 64),)
    old = on.Reused(run_id=RunId("run-0"), seconds=3.0, summary="made it", files=files, evidence=(PASSED,))
    event = on.ItemVerified(item=A, attempt=0, seconds=0.0, reused=old)

    taken = told(started(PLAN), event).items[A]

    assert (taken.status, taken.reused, taken.seconds, taken.summary) == (S.VERIFIED, "run-0", 3.0, "made it")
    assert (taken.files, taken.evidence) == (files, (PASSED,))
    for name in ("running", "ready", "verified"):
        with pytest.raises(IllegalEvent):
            told(standing(started(PLAN), A=ItemStatus(name)), event)
