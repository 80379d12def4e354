"""Waiting for a condition instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], holds: Callable[[T], bool] = bool, *, what: str, timeout: float = 20.0) -> T:
    """Look until what is seen holds, and give it.

    Raises AssertionError with what was last seen where it does not hold within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}; last seen: {seen!r}")
        time.sleep(0.02)
