"""What a failure costs, whether it is tried again, and when."""

import pytest

from prefect_swarm.core.policy import POLICIES, Failure, may_retry, retries_for, retry_delay
from prefect_swarm.core.requirement import Priority
from prefect_swarm.core.settings import Settings

NEVER_AGAIN = {"budget_spent", "tool_missing", "checker_broken", "permission_denied", "cancelled"}


def test_every_class_of_failure_has_a_policy_and_a_remedy() -> None:
    """A person is told of every failure what it means and what to do now."""
    assert set(POLICIES) == set(Failure)
    assert all(policy.cause and policy.remedy for policy in POLICIES.values())


@pytest.mark.parametrize("failure", Failure)
def test_only_what_can_pass_is_tried_again(failure: Failure) -> None:
    """A missing tool, a broken check, a missing right or a spent budget are the same the next time."""
    assert may_retry(failure, 1, 2) is (failure.value not in NEVER_AGAIN)


def test_an_item_is_tried_once_more_than_it_has_retries() -> None:
    """With two retries the third attempt is the last."""
    assert [may_retry(Failure.TIMED_OUT, used, 2) for used in (1, 2, 3)] == [True, True, False]
    assert may_retry(Failure.TIMED_OUT, 1, 0) is False


def test_delays_follow_one_another_and_the_last_repeats() -> None:
    """Retries come after 5, 15 and 30 seconds, further ones after 30."""
    delays = (5.0, 15.0, 30.0)

    assert [retry_delay(used, delays) for used in range(1, 6)] == [5.0, 15.0, 30.0, 30.0, 30.0]
    assert retry_delay(0, delays) == 5.0


def test_urgent_items_get_a_retry_more() -> None:
    """High and critical priority have three retries, others two, and an agent's own number wins."""
    given = {priority: retries_for(priority, None, Settings()) for priority in Priority}

    assert given == {Priority.CRITICAL: 3, Priority.HIGH: 3, Priority.MEDIUM: 2, Priority.LOW: 2}
    assert retries_for(Priority.CRITICAL, 0, Settings()) == 0
