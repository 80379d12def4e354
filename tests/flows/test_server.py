"""Which Prefect server a run uses: the configured one, else a private one that goes with its last user."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.trials import trials

from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.state import RunStatus
from prefect_swarm.flows.server import PrivateServer, configured_server, healthy, private_server, require_server
from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project
from prefect_swarm.testing.waiting import wait_for

PROFILES = """active = "work"

[profiles.ephemeral]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"

[profiles.work]
PREFECT_API_URL = "http://prefect.example/api"
"""


def test_a_private_server_is_shared_and_ends_with_its_last_user(tmp_path: Path) -> None:
    """A second user gets the server that runs; who leaves first does not end it, who leaves last does."""
    said: list[str] = []

    with _using(tmp_path, said) as first:
        with _using(tmp_path, said) as second:
            pass
        alive_between = first.alive

    assert second == first
    assert alive_between
    assert not first.alive
    assert len(said) == 1
    assert not (tmp_path / "server.json").exists()


def test_a_server_that_cannot_start_in_time_is_told_and_ended(tmp_path: Path) -> None:
    """A server that does not answer in time is named with its log, and does not stay."""
    hasty = private_server(tmp_path, timeout=0, keep=False, say=lambda _text: None)

    with pytest.raises(Unavailable, match=r"server\.log"), hasty:
        pass

    started = PrivateServer.model_validate_json((tmp_path / "server.json").read_text())
    assert not started.alive


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, None),
        ({"PREFECT_API_URL": "http://given/api"}, "http://given/api"),
        ({"PREFECT_HOME": "{home}"}, "http://prefect.example/api"),
        ({"PREFECT_PROFILES_PATH": "{home}/profiles.toml"}, "http://prefect.example/api"),
        ({"PREFECT_HOME": "{home}", "PREFECT_PROFILE": "ephemeral"}, None),
        ({"PREFECT_HOME": "{home}", "PREFECT_PROFILE": "unknown"}, None),
    ],
)
def test_the_environment_wins_over_the_profile(
    environ: dict[str, str], url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PREFECT_API_URL is used as it is, else that of the active profile; without either no server is configured."""
    (tmp_path / "profiles.toml").write_text(PROFILES)
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))

    found = configured_server({name: value.format(home=tmp_path) for name, value in environ.items()})

    assert found == url


def test_a_configured_server_must_answer() -> None:
    """A configured server that does not answer is refused with what to do."""
    with pytest.raises(Unavailable, match="unset PREFECT_API_URL"):
        require_server("http://127.0.0.1:9/api")


def _using(home: Path, said: list[str]) -> AbstractContextManager[PrivateServer]:
    return private_server(home, timeout=180, keep=False, say=said.append)


@dataclass(slots=True)
class Outage:
    """A server of a test's own that is killed, and may come back as it was."""

    server: PrivateServer

    def begin(self) -> Callable[[], subprocess.Popen[bytes]]:
        """Kill the server with all it started, as in a power cut; call the result to start it anew."""
        process = psutil.Process(self.server.pid)
        argv, environment = process.cmdline(), process.environ()
        for one in [*process.children(recursive=True), process]:
            one.kill()
        return lambda: subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def over(self) -> bool:
        """True where the server answers."""
        return healthy(f"{self.server.url}/api", timeout=2.0)


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[Outage]:
    """A server that the test may kill."""
    with private_server(tmp_path / "prefect", timeout=180, keep=False, say=lambda _text: None) as server:
        yield Outage(server)


@pytest.fixture
def project(outage: Outage, tmp_path: Path) -> Iterator[Project]:
    """A project whose runs use that server."""
    project = Project(tmp_path / "project", outage.server.client_environment(tmp_path / "client"))
    yield project
    project.close()


def test_a_run_whose_server_never_comes_back_ends_in_the_journal(project: Project, outage: Outage) -> None:
    """With Prefect gone for good the work is done, and the command says so by code 5 soon after its last agent."""
    project.write(Part("A", script=("--seconds", "2")), Part("B", needs=("A",)), Part("C", script=("--fail", "1")))
    running = project.start("run", "--agents", "agents", "--yes")
    wait_for(project.ledger, what="an agent at work", timeout=60)

    outage.begin()
    code = running.wait(90)

    last = max(line.at for line in project.ledger())
    assert code == 5, project.output
    assert time.clock_gettime(time.CLOCK_MONOTONIC) - last < 30
    assert project.state().status is RunStatus.COMPLETED_WITH_FAILURES
    assert "Prefect's server does not answer" in project.output


@pytest.mark.chaos
@pytest.mark.skipif(not trials(0, chaos=1), reason="takes a minute: `make chaos` runs it")
def test_a_run_outlives_its_servers_restart(project: Project, outage: Outage, tmp_path: Path) -> None:
    """A server that dies in the midst of a run and comes back shows every item, and none was done twice."""
    back = tmp_path / "back"
    waiting = ("sh", "-c", f"echo start >> started; while test ! -e {back}; do sleep 0.1; done; touch W.txt")
    quick = [Part(f"Q{n}", script=("--seconds", "0.5")) for n in range(10)]
    project.write(Part("W", argv=waiting), *quick, Part("Z", needs=("W", "Q9")))
    running = project.start("run", "--agents", "agents", "--yes")
    wait_for(lambda: len(project.ledger()) > 3, what="agents at work", timeout=60)

    come_back = outage.begin()
    wait_for(lambda: len(project.ledger()) == 20, what="the work that goes on without a server", timeout=60)
    with come_back() as revived:
        wait_for(lambda: outage.over, what="the server", timeout=120)
        back.touch()
        code = running.wait(90)
        shown = _shown(outage.server, project.last_run())
        revived.terminate()

    assert code == 0, project.output
    assert set(Counter(line.item for line in project.ledger() if line.what == "start").values()) == {1}
    assert shown == Counter(Completed=12)


def _shown(server: PrivateServer, run_id: RunId) -> Counter[str]:
    """Count the states in which a server shows the items of a run."""
    import prefect.settings as names
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

    ours: dict[Any, Any] = {
        names.PREFECT_API_URL: f"{server.url}/api",
        names.PREFECT_API_AUTH_STRING: server.password,
    }
    named = FlowRunFilter(name=FlowRunFilterName(any_=[run_id]))
    with names.temporary_settings(ours), get_client(sync_client=True) as client:
        return Counter(str(one.state_name) for one in client.read_task_runs(flow_run_filter=named))
