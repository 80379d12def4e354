"""Prefect's server dies in the middle of a run, and comes back or does not: the run goes on all the same."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.chaos.ground import Ground
from tests.chaos.swarm import SwarmTrial
from tests.trials import trials

from prefect_swarm.core.state import RunStatus
from prefect_swarm.flows.server import PrivateServer, healthy, private_server
from prefect_swarm.testing.waiting import wait_for

LAYERS = 6
DOWN = (1.0, 5.0, 15.0)
"""Seconds for which the server is away."""
TOLD, UNTOLD = 0, 5
"""Exit codes of a completed run: Prefect knows, or could not be told."""

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.prefect,
    pytest.mark.skipif(not trials(0, chaos=1), reason="only in `make chaos`"),
]


class MortalServer:
    """A Prefect server that is killed, and started again at the same address."""

    def __init__(self, server: PrivateServer) -> None:
        """Remember how it was started."""
        process = psutil.Process(server.pid)
        self.server = server
        self._argv, self._environment, self._folder = process.cmdline(), process.environ(), process.cwd()
        self._process: psutil.Process | None = process
        self._again: list[subprocess.Popen[bytes]] = []

    def kill(self) -> None:
        """Kill it and its children, as a power cut would."""
        assert self._process is not None
        everyone = [*self._process.children(recursive=True), self._process]
        for one in everyone:
            one.kill()
        psutil.wait_procs(everyone, timeout=10)
        self._process = None

    def start(self) -> None:
        """Start it again where it is dead, and wait until it answers."""
        if self._process is None:
            again = subprocess.Popen(
                self._argv,
                env=self._environment,
                cwd=self._folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._again.append(again)
            self._process = psutil.Process(again.pid)
        wait_for(lambda: healthy(f"{self.server.url}/api", timeout=2.0), what="the server answers", timeout=120)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            self.kill()
        for one in self._again:
            one.wait()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalServer]:
    """A server of these tests' own."""
    home = tmp_path_factory.mktemp("mortal")
    with private_server(home, timeout=180, keep=False, say=lambda _text: None) as server:
        mortal = MortalServer(server)
        yield mortal
        mortal.close()


@pytest.fixture
def trial(ground: Ground, tmp_path: Path, mortal: MortalServer) -> SwarmTrial:
    """A run on that server."""
    mortal.start()
    environment = mortal.server.client_environment(tmp_path / "prefect")
    return ground.add(SwarmTrial(tmp_path / "project", environment, layers=LAYERS))


@pytest.mark.parametrize("down", DOWN * trials(0, chaos=2))
def test_the_server_comes_back(ground: Ground, trial: SwarmTrial, mortal: MortalServer, down: float) -> None:
    """A run whose server is killed and comes back is completed, and no item is worked on again for it."""
    running = trial.start()
    _killed_amid(ground, trial, mortal)
    _still(running, down)
    mortal.start()

    assert running.wait(180) in {TOLD, UNTOLD}, trial.log()
    assert trial.project.state().status is RunStatus.COMPLETED
    ground.judge(trial)


@pytest.mark.parametrize("_round", range(trials(0, chaos=2)))
def test_the_server_never_comes_back(ground: Ground, trial: SwarmTrial, mortal: MortalServer, _round: int) -> None:
    """A run whose server is gone for good is completed in the journal, and its exit code says who was not told."""
    running = trial.start()
    _killed_amid(ground, trial, mortal)
    wait_for(lambda: trial.project.state().status is RunStatus.COMPLETED, what="the run completed", timeout=120)

    assert running.wait(30) == UNTOLD, trial.log()
    ground.judge(trial)


def _killed_amid(ground: Ground, trial: SwarmTrial, mortal: MortalServer) -> None:
    """Kill the server while the run is somewhere in its first half."""
    count = ground.chance.randint(1, LAYERS * 2)
    wait_for(lambda: len(trial.project.ledger()) >= count, what="agents at work", timeout=120)
    mortal.kill()


def _still(running: subprocess.Popen[bytes], seconds: float) -> None:
    """Let the server be away for so long, or until the command has ended."""
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        return
