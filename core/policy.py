"""What a failure means: whether trying again can help, what it costs, and what a person can do."""

from dataclasses import dataclass
from enum import StrEnum

from prefect_swarm.core.requirement import Priority
from prefect_swarm.core.settings import Settings


class Failure(StrEnum):
    """Why an attempt did not end in verified work."""

    AGENT_FAILED = "agent_failed"
    CHECK_FAILED = "check_failed"
    TIMED_OUT = "timed_out"
    STUCK = "stuck"
    RATE_LIMITED = "rate_limited"
    BUDGET_SPENT = "budget_spent"
    TOOL_MISSING = "tool_missing"
    CHECKER_BROKEN = "checker_broken"
    PERMISSION_DENIED = "permission_denied"
    INVALID_OUTPUT = "invalid_output"
    MERGE_CONFLICT = "merge_conflict"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Policy:
    """How one class of failure is treated."""

    retried: bool
    """Whether the same item may be tried again without a person."""
    counts: bool
    """Whether the attempt uses up one of the item's retries."""
    cause: str
    remedy: str


POLICIES: dict[Failure, Policy] = {
    Failure.AGENT_FAILED: Policy(
        True, True, "the agent ended with an error", "read its log, mend what it names, then retry the item"
    ),
    Failure.CHECK_FAILED: Policy(
        True,
        True,
        "the agent reported done, but a check failed",
        "look at the check's evidence, then retry with guidance",
    ),
    Failure.TIMED_OUT: Policy(
        True, True, "the agent took longer than its timeout", "raise `timeout` or split the requirement"
    ),
    Failure.STUCK: Policy(
        True, True, "the agent repeated itself or fell silent", "retry with guidance or another agent"
    ),
    Failure.RATE_LIMITED: Policy(
        True, False, "the provider asked to wait", "wait for the reset, or lower --max-parallel"
    ),
    Failure.BUDGET_SPENT: Policy(False, True, "the budget is spent", "raise the budget, then retry the item"),
    Failure.TOOL_MISSING: Policy(False, False, "a program or key is missing", "install it, then `swarm resume`"),
    Failure.CHECKER_BROKEN: Policy(
        False, False, "a check could not be run", "mend the check's command, then `swarm resume`"
    ),
    Failure.PERMISSION_DENIED: Policy(
        False, True, "the agent lacked a right", "grant it with `rights:`, then retry the item"
    ),
    Failure.INVALID_OUTPUT: Policy(
        True, True, "the agent's result could not be read", "read its log, then retry the item"
    ),
    Failure.MERGE_CONFLICT: Policy(True, True, "the work conflicts with other work", "retry, or add a `depends_on`"),
    Failure.INTERRUPTED: Policy(True, False, "the run was interrupted", "`swarm resume` goes on from here"),
    Failure.CANCELLED: Policy(False, False, "the run was cancelled", "`swarm resume` goes on from here"),
}


def retries_for(priority: Priority, own: int | None, settings: Settings) -> int:
    """Say how often an item is tried again: its agent's own number, else by priority."""
    if own is not None:
        return own
    return settings.retries_high if priority in {Priority.CRITICAL, Priority.HIGH} else settings.retries


def may_retry(failure: Failure, used: int, retries: int) -> bool:
    """Say whether an item that has used so many attempts, this one included, is tried again by itself."""
    return POLICIES[failure].retried and used <= retries


def retry_delay(used: int, delays: tuple[float, ...]) -> float:
    """Seconds before the retry that follows the given number of used attempts; the last delay repeats."""
    return delays[min(max(used - 1, 0), len(delays) - 1)]
