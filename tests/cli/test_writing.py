"""The commands that change a person's files: `swarm ids --write` and `swarm status --write-back`."""

import json
import stat
from contextlib import closing
from pathlib import Path

import pytest

from prefect_swarm.agents.planning import plan_file
from prefect_swarm.agents.rewriting import rewrite
from prefect_swarm.cli.app import run
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.planner import PlanOptions
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.scenes import whole_story

OURS = b"# ours\r\n- Users can log in  # why\r\n- title: Orders\r\n  done: false\r\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A requirements file in the folder that the commands are given in, only for its owner to read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWARM_HOME", str(tmp_path / "home"))
    path = tmp_path / "requirements.yaml"
    path.write_bytes(OURS)
    path.chmod(0o640)
    return path


def verified(file: Path, *, rehearsal: bool = False) -> None:
    """Leave a run in the journal that was planned from the file and verified everything."""
    plan = plan_file(Path(file.name), None, PlanOptions(rehearsal=rehearsal))
    with closing(Journal.at(Path("home"))) as journal:
        journal.create(RunId("run-1"), plan)
        epoch = journal.take_lease(RunId("run-1"), period=3600.0)
        journal.append(RunId("run-1"), tuple(whole_story(plan)), epoch=epoch)


def test_ids_are_listed_and_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`swarm ids` lists; with `--write` the file gets them, keeps its mode, and does not change a second time."""
    assert run(["ids"]) == 0
    assert "REQ-002  Orders  (requirements.yaml:3)" in capsys.readouterr().out
    assert run(["ids", "--write", "--json"]) == 0
    first = file.read_bytes()
    told = json.loads(capsys.readouterr().out)
    assert run(["ids", "--write"]) == 0

    assert first == (
        b"# ours\r\n- id: REQ-001\r\n  title: Users can log in  # why\r\n"
        b"- id: REQ-002\r\n  title: Orders\r\n  done: false\r\n"
    )
    assert told["written"] == ["REQ-001", "REQ-002"]
    assert file.read_bytes() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["requirements.yaml"]


def test_verified_requirements_are_marked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`swarm status --write-back` marks what the run has verified, once."""
    verified(file)

    assert run(["status", "--write-back"]) == 0
    first = file.read_bytes()
    assert run(["status", "--write-back", "--json"]) == 0

    assert first == OURS.replace(b"Users", b"done: true\r\n  title: Users").replace(b"false", b"true")
    assert file.read_bytes() == first
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["already"] == ["REQ-001", "REQ-002"]


def test_what_changed_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A requirement that says something else now is not marked, and the exit code says so."""
    verified(file)
    file.write_bytes(OURS.replace(b"log in", b"log out"))

    assert run(["status", "run-1", "--write-back"]) == 65
    assert "not written: REQ-001: it says something else" in capsys.readouterr().err
    assert file.read_bytes() == OURS.replace(b"log in", b"log out").replace(b"false", b"true")


def test_a_rehearsal_marks_nothing(file: Path) -> None:
    """A rehearsal verifies nothing."""
    verified(file, rehearsal=True)

    with pytest.raises(UsageError, match="a rehearsal, which verifies nothing"):
        run(["status", "--write-back"])
    assert file.read_bytes() == OURS


def test_the_file_may_lie_elsewhere(file: Path, tmp_path: Path) -> None:
    """A file that is gone is told; `--requirements` names it."""
    verified(file)
    file.rename(tmp_path / "moved.yaml")

    with pytest.raises(UsageError, match=r"requirements\.yaml is not there; .*--requirements"):
        run(["status", "--write-back"])
    assert run(["status", "--write-back", "--requirements", "moved.yaml"]) == 0
    assert b"done: true" in (tmp_path / "moved.yaml").read_bytes()


def test_a_file_that_changed_meanwhile_is_left_alone(file: Path) -> None:
    """What someone else wrote since the file was read is not overwritten."""
    with pytest.raises(UsageError, match="changed by someone else"):
        rewrite(file, b"something older", b"new")

    assert file.read_bytes() == OURS
    assert [path.name for path in file.parent.iterdir()] == ["requirements.yaml"]


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    """A file that is reached through a link is replaced where it lies."""
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    rewrite(link, OURS, b"- new\n")

    assert link.is_symlink()
    assert file.read_bytes() == b"- new\n"
