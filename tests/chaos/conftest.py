"""What the tests share that kill, stop and hinder executors; and the line that sums each tier up."""

import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.chaos.ground import Ground, Tally
from tests.chaos.nursery import Nursery
from tests.chaos.trial import Outcome, Trial

SEED = "SWARM_TEST_SEED"
"""Set it to the seed that a failure names, to have the same dice again."""
TALLIES = pytest.StashKey[dict[str, Tally]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.stash[TALLIES] = defaultdict(Tally)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Sum up each tier in a line."""
    for tier, tally in config.stash[TALLIES].items():
        terminalreporter.write_line(f"chaos, {tier}: {tally}")


@pytest.fixture
def seed() -> int:
    """The seed of a test's dice."""
    return int(os.environ.get(SEED) or random.randrange(10**6))  # noqa: S311 - when to kill is no secret


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """A process that forks executors."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def undisturbed(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Outcome]:
    """Tells what a run of so many layers leads to when nobody disturbs it."""

    @cache
    def outcome(layers: int) -> Outcome:
        trial = Trial(tmp_path_factory.mktemp("undisturbed") / "run", nursery, layers=layers, lease=30.0)
        trial.finish()
        return trial.outcome()

    return outcome


@pytest.fixture
def ground(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    nursery: Nursery,
    seed: int,
    undisturbed: Callable[[int], Outcome],
) -> Iterator[Ground]:
    """Where the trials of a test of the engine's tier are held."""
    tally = request.config.stash[TALLIES]["engine"]
    ground = Ground(tmp_path, nursery, seed=seed, tally=tally, undisturbed=undisturbed)
    yield ground
    ground.close()
