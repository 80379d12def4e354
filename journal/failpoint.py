"""Named places at which a test may let the process fail; outside of tests they do nothing."""

from collections.abc import Callable

_action: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """Mark a place: does nothing, unless a test has filled the hook."""
    if _action is not None:
        _action(name)


def fill(action: Callable[[str], None] | None) -> None:
    """Call `action` with the name of every place that is passed; None empties the hook."""
    global _action  # noqa: PLW0603 - the hook is one per process on purpose
    _action = action
