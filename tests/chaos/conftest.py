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
from tests.chaos.swarm import SwarmTrial
from tests.chaos.trial import LAYERS, LEASE, Outcome, Prepare, Trial

from prefect_swarm.flows.server import PrivateServer

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
        trial = Trial(tmp_path_factory.mktemp("undisturbed") / "run", nursery, layers=layers, lease=LEASE)
        trial.finish()
        return trial.outcome()

    return outcome


@pytest.fixture
def tier(request: pytest.FixtureRequest) -> str:
    """The tier that a test belongs to, by the name of its module: test_engine_kills is of the tier engine."""
    return request.path.stem.split("_")[1]


@pytest.fixture
def ground(
    pytestconfig: pytest.Config, tier: str, seed: int, undisturbed: Callable[[int], Outcome]
) -> Iterator[Ground]:
    """Where the trials of a test are held."""
    ground = Ground(seed=seed, tally=pytestconfig.stash[TALLIES][tier], undisturbed=undisturbed)
    yield ground
    ground.close()


@pytest.fixture
def prepare(ground: Ground, tmp_path: Path, nursery: Nursery) -> Prepare:
    """Lays runs on the engine ready: `prepare(layers=10, lease=30.0)`."""

    def prepared(*, layers: int = LAYERS, lease: float = LEASE) -> Trial:
        return ground.add(Trial(tmp_path / str(len(ground.trials)), nursery, layers=layers, lease=lease))

    return prepared


@pytest.fixture
def command_line(ground: Ground, tmp_path: Path, server: PrivateServer) -> Callable[[int], SwarmTrial]:
    """Lays runs of the command line ready, on the server that the session shares: `command_line(layers)`."""

    def prepared(layers: int) -> SwarmTrial:
        folder = tmp_path / str(len(ground.trials))
        return ground.add(SwarmTrial(folder, server.client_environment(tmp_path / "prefect"), layers=layers))

    return prepared
