"""How often a test tries its luck: a little in `make test`, at length in `make chaos`."""

import os

CHAOS = "SWARM_TEST_CHAOS"
"""Set to 1 by `make chaos`."""


def trials(short: int, *, chaos: int) -> int:
    """Give the number of trials of a test that fails only now and then."""
    return chaos if os.environ.get(CHAOS) == "1" else short
