"""The commands that look at runs: watch, status, runs, dashboard."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from prefect_swarm.cli.app import run
from prefect_swarm.core.events import RunEnded, RunRewound
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.testing.scenes import Scene, lively, plan_of


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state folder and ports of their own, said by the environment as a user would."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], two.getsockname()[1]
    monkeypatch.setenv("SWARM_HOME", str(tmp_path))
    monkeypatch.setenv("SWARM_HTTP_PORT", str(ports[0]))
    monkeypatch.setenv("SWARM_WEBSOCKET_PORT", str(ports[1]))
    return Settings(home=str(tmp_path), http_port=ports[0], websocket_port=ports[1])


@pytest.fixture
def scene(settings: Settings) -> Iterator[Scene]:
    """A lively run in the journal of that folder."""
    with closing(Journal.at(Path(settings.home))) as journal:
        scene = Scene(journal, plan_of(8))
        lively(scene)
        yield scene


def test_status_shows_the_run(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """`swarm status` shows a run, for people and as JSON."""
    assert scene.epoch
    assert run(["status"]) == 0
    text = capsys.readouterr().out
    assert run(["status", "scene", "--json"]) == 0
    view = json.loads(capsys.readouterr().out)

    assert "REQ-005" in text
    assert view["run_id"] == "scene-1"
    assert view["progress"]["percent"] == pytest.approx(35.625)


def test_runs_are_listed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """`swarm runs` lists runs; one that nobody executes any more is called interrupted."""
    scene.journal.release_lease(scene.run_id, scene.epoch)

    assert run(["runs"]) == 0
    text = capsys.readouterr().out
    assert run(["runs", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)

    assert "interrupted" in text
    assert [one["run_id"] for one in listed] == ["scene-1"]


@pytest.mark.parametrize("served", [False, True], ids=["from the journal", "from a streamer"])
def test_watch_tells_a_run_to_its_end(
    settings: Settings, scene: Scene, capsys: pytest.CaptureFixture[str], *, served: bool
) -> None:
    """`swarm watch` tells every event from the first on and ends with the run, with its exit code."""
    scene.end("completed_with_failures")
    streamer = Streamer(scene.journal, settings)
    if served:
        streamer.start()

    code = run(["watch", "--no-progress"])
    text = capsys.readouterr().out
    streamer.stop()

    assert code == 2
    assert "run started" in text
    assert "run ended · completed_with_failures" in text
    assert "swarm resume scene-1" in text


def test_dashboard_prints_a_link_and_ends_by_interrupt(settings: Settings) -> None:
    """`swarm dashboard` prints a link with a code, serves, and ends orderly at Ctrl-C."""
    assert settings.home
    command = [sys.executable, "-m", "prefect_swarm.cli.app", "dashboard"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        link = serving.stdout.readline()
        with socket.create_connection(("127.0.0.1", settings.http_port), timeout=10):
            serving.send_signal(2)
        _, errors = serving.communicate(timeout=20)

    assert link.startswith(f"http://127.0.0.1:{settings.http_port}/#code=")
    assert serving.returncode == 0
    assert "Traceback" not in errors


def test_watch_ends_with_a_run_that_was_turned_meanwhile(scene: Scene) -> None:
    """Who watches while history turns is shown the run anew, and is not kept waiting when it has ended by then."""
    scene.journal.release_lease(scene.run_id, scene.epoch)
    plan = plan_of(9)
    rewound = RunRewound(to=0, reason="again", plan=plan.digest, items=tuple(one.id for one in plan.items), reopened=())
    command = [sys.executable, "-m", "prefect_swarm.cli.app", "watch", "--no-progress"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        before = iter(watching.stdout.readline, "")
        assert any("intervention requested" in line for line in before)  # the last event so far
        scene.journal.append(scene.run_id, [rewound, RunEnded(outcome="completed")], plan=plan)
        try:
            shown, _ = watching.communicate(timeout=20)
        finally:
            watching.kill()

    assert watching.returncode == 0
    assert "REQ-009" in shown
