"""Named places at which a test may let the process fail; outside of tests they do nothing."""

from collections.abc import Callable
from typing import Literal, get_args

Name = Literal[
    "before_claim",  # an attempt was admitted by the gate, and nothing of it is written
    "after_claim",  # it is written that the attempt begins, and no agent is started
    "after_spawn",  # a process was started
    "after_exit",  # the agent has ended, and nothing of that is written
    "before_stage",  # what the agent made was looked through, and is not yet written
    "after_stage",  # it is written what the agent reported, and nothing is checked
    "after_fsync",  # a new snapshot file is on disk beside the old one
    "after_rename",  # the new snapshot file stands in the place of the old one
    "before_commit",  # records are in a transaction of the journal that is not yet committed
    "after_commit",  # they are committed, and nobody was told
    "before_outbox_ack",  # listeners were told, and the writer does not know yet
    "before_return",  # the item is verified, and whoever called the attempt does not know yet
]
NAMES: tuple[Name, ...] = get_args(Name)

_action: Callable[[Name], None] | None = None


def failpoint(name: Name) -> None:
    """Mark a place: does nothing, unless a test has filled the hook."""
    if _action is not None:
        _action(name)


def fill(action: Callable[[Name], None] | None) -> None:
    """Call `action` with the name of every place that is passed; None empties the hook."""
    global _action  # noqa: PLW0603 - the hook is one per process on purpose
    _action = action
