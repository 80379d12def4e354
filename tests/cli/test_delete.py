"""`swarm delete` as a person meets it; with `--prefect` on a real server."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import UUID

import pytest
from tests.journal.processes import output, start

from prefect_swarm.cli.app import main
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.flows.server import PrivateServer
from prefect_swarm.journal.home import open_journal, run_folder
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project
from prefect_swarm.testing.scenes import Scene, lively, plan_of
from prefect_swarm.testing.waiting import wait_for


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """The journal of the state folder that the environment names, with an interrupted run."""
    monkeypatch.setenv("SWARM_HOME", str(tmp_path))
    with closing(Journal.at(tmp_path)) as opened:
        scene = Scene(opened, plan_of(8))
        lively(scene)
        opened.release_lease(scene.run_id, scene.epoch)
        (tmp_path / "runs" / "scene-1" / "0123" / "1").mkdir(parents=True)
        (tmp_path / "runs" / "scene-1" / "0123" / "1" / "prompt.md").write_text("Do it.")
        yield opened


def test_a_run_is_deleted(journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --yes the run goes, and is told with what went."""
    assert main(["delete", "scene", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["run_id"], told["deleted"]) == ("scene-1", True)
    assert [part["what"] for part in told["parts"]] == ["prompts and logs", "records of the journal"]
    assert told["parts"][0]["places"] == [str(tmp_path / "runs" / "scene-1")]
    assert journal.runs() == ()
    assert not (tmp_path / "runs" / "scene-1").exists()
    assert main(["delete", "scene", "--yes"]) == UsageError.exit_code


def test_a_dry_run_changes_nothing(journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` shows number, bytes and places, for people and as JSON, and leaves all as it was."""
    before = journal.records(RunId("scene-1"))

    assert main(["delete", "scene-1", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert main(["delete", "scene-1", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert "prompts and logs" in text
    assert "6 bytes" in text
    assert told["deleted"] is False
    assert (told["parts"][0]["count"], told["parts"][0]["bytes"]) == (1, 6)
    assert journal.records(RunId("scene-1")) == before
    assert (tmp_path / "runs" / "scene-1" / "0123" / "1" / "prompt.md").is_file()


def test_without_a_terminal_nothing_is_deleted_unasked(journal: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody can be asked and nobody said --yes it ends with 64, and says what to say."""
    assert main(["delete", "last"]) == 64

    assert "--yes" in capsys.readouterr().err
    assert journal.has(RunId("scene-1"))


@pytest.mark.parametrize(("answer", "code", "stays"), [("y\n", 0, False), ("\n", 64, True)], ids=["yes", "no"])
def test_at_a_terminal_it_asks_once(journal: Journal, answer: str, *, code: int, stays: bool) -> None:
    """At a terminal it shows what goes and asks; only a yes deletes."""
    told, ended = at_terminal(["delete", "scene-1"], answer)

    assert "prompts and logs" in told
    assert told.count("delete run scene-1? [y/N]") == 1
    assert ended == code
    assert journal.has(RunId("scene-1")) is stays


def at_terminal(words: list[str], typed: str) -> tuple[str, int]:
    """Run a command at a terminal of its own, and give what was shown there and the exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "prefect_swarm.cli.app", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        with suppress(OSError):  # Linux's way to say that the other end is closed
            while chunk := os.read(ours, 65536):
                shown += chunk
        process.wait(30)
    os.close(ours)
    return shown.decode(), process.returncode


def test_a_run_that_is_executed_is_refused(
    journal: Journal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 75, with the process that holds it, and nothing is changed; also for a dry run."""
    journal.create(RunId("run-1"), plan_of(1))
    holder = start(tmp_path, "hold", "60")
    assert output(holder).readline().startswith("holds")

    codes = [main(["delete", "run-1", "--yes"]), main(["delete", "run-1", "--dry-run"])]

    assert codes == [75, 75]
    assert capsys.readouterr().err.count(f"process {holder.pid} on ") == 2
    assert journal.has(RunId("run-1"))
    holder.kill()
    holder.communicate()


def test_agents_left_at_work_are_ended(journal: Journal) -> None:
    """What a killed executor left behind is ended, so that it fills no folder that was deleted."""
    left = subprocess.Popen(["sleep", "60"], env={"PATH": os.environ["PATH"], "SWARM_RUN": "scene-1"})

    assert main(["delete", "scene-1", "--yes"]) == 0

    assert left.wait(10) == -signal.SIGTERM
    assert not journal.has(RunId("scene-1"))


@pytest.fixture
def project(server: PrivateServer, tmp_path: Path) -> Iterator[Project]:
    """A project on disk whose runs use the shared server."""
    project = Project(tmp_path, server.client_environment(tmp_path / "prefect"))
    yield project
    project.close()


@pytest.mark.prefect
def test_flow_runs_go_too_where_that_is_asked_for(project: Project) -> None:
    """With --prefect flow runs, logs and limit are gone from the server; a flow run that was gone is no matter."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
    from prefect.exceptions import ObjectNotFound

    project.write(Part("A"))
    assert project.swarm("run", "--agents", "agents", "--yes") == 0, project.output
    run_id = project.last_run()
    flow_run_id = UUID(project.state().flow_run_id or "")
    logs = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
    open_journal(project.settings).bind("00000000-0000-4000-8000-000000000000", run_id)

    with get_client(sync_client=True) as client:
        wait_for(lambda: client.read_logs(logs), what="the logs of the run")
        limit = client.upsert_global_concurrency_limit_by_name(f"swarm-{run_id}", 1)  # as a killed executor leaves it
        code = project.swarm("delete", run_id, "--prefect", "--yes")

        assert code == 0, project.output
        with pytest.raises(ObjectNotFound):
            client.read_flow_run(flow_run_id)
        assert client.read_logs(logs) == []
        assert f"swarm-{run_id}" not in {one.name for one in client.read_global_concurrency_limits(limit=200, offset=0)}
    assert limit is None
    assert open_journal(project.settings).runs() == ()
    assert not run_folder(project.settings, run_id).exists()
    assert not list((project.folder / "checkpoints").glob("*"))
    assert (project.folder / "A.txt").is_file()


@pytest.mark.prefect
def test_a_run_stays_where_the_server_cannot_be_asked(project: Project) -> None:
    """Without an answer of the server nothing is deleted, and the exit code says what is missing."""
    project.write(Part("A"))
    assert project.swarm("run", "--agents", "agents", "--yes") == 0, project.output
    project.environment = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}

    assert project.swarm("delete", "last", "--prefect", "--yes") == 69
    assert open_journal(project.settings).has(project.last_run())
    assert run_folder(project.settings, project.last_run()).is_dir()
