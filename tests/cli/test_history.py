"""The commands that look back and go back: checkpoints, and resume with --from, --reuse, --fork and --dry-run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from prefect_swarm.agents.planning import plan_file
from prefect_swarm.cli.app import main, run
from prefect_swarm.core import events as on
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.planner import PlanOptions
from prefect_swarm.journal.checkpoints import Snapshot, snapshot_of
from prefect_swarm.journal.history import read_history
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.scenes import Scene, item_of, plan_of

PLAN = plan_of(3)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A run of three items that is held; two are verified, each followed by a checkpoint."""
    monkeypatch.setenv("SWARM_HOME", str(tmp_path))
    with closing(Journal.at(tmp_path)) as journal:
        scene = Scene(journal, PLAN)
        for number in (1, 2):
            scene.start(number)
            scene.verify(number)
            scene.tell(on.CheckpointSaved(number=number, completed=number, digest=f"{number}" * 64))
        yield scene


def leave(scene: Scene) -> None:
    """Have the executor leave the run."""
    scene.tell(on.RunPaused(status="interrupted", reason="stopped"))
    scene.journal.release_lease(scene.run_id, scene.epoch)


def rewind(scene: Scene) -> None:
    """Have the run taken back to its first checkpoint."""
    items = tuple(item.id for item in PLAN.items)
    scene.tell(on.RunRewound(to=1, reason="again", plan=PLAN.digest, items=items, reopened=(item_of(2),)))
    leave(scene)


def test_checkpoints_are_listed(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Number, completed of total, event and digest of each; one that history went back before says so."""
    rewind(scene)

    assert run(["checkpoints", "scene"]) == 0
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert run(["checkpoints", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)

    assert ("1 of 3" in first, "111111111111" in first, "rewound" in first) == (True, True, False)
    assert ("2 of 3" in second, "rewound" in second) == (True, True)
    assert [(mark["number"], mark["rewound"]) for mark in listed] == [(1, False), (2, True)]


def test_a_checkpoint_is_shown_whole(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON it is the document that the checkpoint file was, for people it is a summary with the way back."""
    assert run(["checkpoints", "last", "1"]) == 0
    text = capsys.readouterr().out
    assert run(["checkpoints", "last", "1", "--json"]) == 0
    shown = Snapshot.model_validate_json(capsys.readouterr().out)

    history = read_history(scene.journal, scene.run_id)
    mark, then = history.mark(1), history.at(history.mark(1))
    assert shown == snapshot_of(PLAN, then.state, mark.at)
    assert [item.status for item in shown.view.items] == ["verified", "pending", "pending"]
    assert "swarm resume scene-1 --from 1" in text


def test_a_run_without_checkpoints_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to list, and a number names nothing."""
    monkeypatch.setenv("SWARM_HOME", str(tmp_path))
    with closing(Journal.at(tmp_path)) as journal:
        Scene(journal, PLAN)

    assert run(["checkpoints"]) == 0
    assert main(["checkpoints", "last", "1"]) == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "9"], "run scene-1 has no checkpoint 9; it has: 1, 2"),
        (["--from", "gone.json"], "gone.json is no checkpoint of a run"),
        (["--reuse"], "not read from a requirements file"),
    ],
    ids=["number", "file", "no recipe"],
)
def test_what_cannot_be_gone_back_to_is_refused(
    scene: Scene, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong checkpoint is wrong usage, told with those that there are; nothing is written."""
    leave(scene)
    before = scene.journal.last(scene.run_id)

    assert main(["resume", "last", *words]) == 64

    assert message in capsys.readouterr().err
    assert scene.journal.last(scene.run_id) == before


def test_a_held_run_is_not_taken_back(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """While another process executes the run it is named, and nothing is written."""
    before = scene.journal.last(scene.run_id)

    assert main(["resume", "last", "--from", "1"]) == 75

    assert "run scene-1 is being executed by process" in capsys.readouterr().err
    assert scene.journal.last(scene.run_id) == before


def test_rewound_history_is_only_gone_back_to_by_a_fork(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkpoint that the run went back before is refused with the way on; a fork of it is foreseen as it was."""
    rewind(scene)

    assert main(["resume", "last", "--from", "2"]) == 64
    refusal = capsys.readouterr().err
    assert run(["resume", "last", "--from", "2", "--fork", "--dry-run", "--json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]

    assert "`swarm resume scene-1 --fork --from 2`" in refusal
    gone = [f"what it made is gone: src/part_{number}.py" for number in (1, 2)]
    assert [(line["fate"], line["why"]) for line in items] == [
        ("will run", gone[0]),
        ("will run", gone[1]),
        ("will run", "not begun"),
    ]


def test_a_checkpoint_file_stands_for_its_number(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--from FILE` means the checkpoint that the file names; a file of another run is refused."""
    history = read_history(scene.journal, scene.run_id)
    snapshot = snapshot_of(PLAN, history.at(history.mark(1)).state, 1.0)
    mine, other = tmp_path / "mine.json", tmp_path / "other.json"
    mine.write_text(snapshot.model_dump_json(), encoding="utf-8")
    other.write_text(snapshot.model_copy(update={"run_id": "run-9"}).model_dump_json(), encoding="utf-8")
    leave(scene)

    assert run(["resume", "--from", str(mine), "--dry-run", "--json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert main(["resume", "--from", str(other), "--dry-run"]) == 64

    assert [line["why"] for line in items] == [
        "verified at checkpoint 1",
        "verified after checkpoint 1",
        "not begun",
    ]
    assert "is a checkpoint of run run-9, not of scene-1" in capsys.readouterr().err


def test_a_dry_run_changes_nothing_and_needs_no_prefect(scene: Scene) -> None:
    """It tells people what would run, in a process that never loads Prefect, also while the run is executed."""
    before = scene.journal.last(scene.run_id)
    code = "import sys; from prefect_swarm.cli.app import main; main(sys.argv[1:]); sys.exit('prefect' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code, "resume", "last", "--from", "1", "--dry-run"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "verified after checkpoint 1" in done.stdout
    assert "1 kept, 2 will run; nothing was changed" in done.stdout
    assert scene.journal.last(scene.run_id) == before


def test_a_changed_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever resumes a run learns that its requirements file is another by now, and what to do about it."""
    monkeypatch.setenv("SWARM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    file = Path("requirements.yaml")
    file.write_text("requirements: [One thing]\n", encoding="utf-8")
    plan = plan_file(file, None, PlanOptions(rehearsal=True))
    with closing(Journal.at(tmp_path / "home")) as journal:
        journal.create(RunId("run-1"), plan)
        end = on.RunEnded(outcome="completed")
        journal.append(RunId("run-1"), [on.RunStarted(plan=plan.digest, max_parallel=1), end])

    assert run(["resume"]) == 0
    unchanged = capsys.readouterr().err
    file.write_text("requirements: [Another thing]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "home")
    assert run(["resume"]) == 0
    changed = capsys.readouterr().err

    assert "has changed" not in unchanged
    assert f"{tmp_path / file} has changed since this run was planned" in changed
    assert "`swarm resume run-1 --reuse`" in changed


def test_a_file_is_not_restored_where_it_names_other_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint file whose run is called `../x` makes nothing."""
    monkeypatch.setenv("SWARM_HOME", str(tmp_path / "home"))
    with closing(Journal.at(tmp_path / "scene")) as journal:
        scene = Scene(journal, PLAN)
        snapshot = snapshot_of(PLAN, journal.state(scene.run_id), 1.0)
    file = tmp_path / "workflow.json"
    file.write_text(snapshot.model_copy(update={"run_id": "../x"}).model_dump_json(), encoding="utf-8")

    assert main(["run", "--resume-checkpoint", str(file), "--yes"]) == 64

    assert "cannot be the id of a run" in capsys.readouterr().err
    assert run(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
