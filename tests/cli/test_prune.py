"""`swarm prune` as a person meets it: which runs go, which stay, and why."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.test_delete import at_terminal

from prefect_swarm.cli.app import main
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.scenes import Scene, lively, plan_of

DAY = 86_400.0


class Calendar:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        """Begin with today."""
        self.ago = 0.0

    def __call__(self) -> float:
        """Say what time it is there."""
        return time.time() - self.ago


@pytest.fixture
def calendar() -> Calendar:
    """The clock of the test's journal."""
    return Calendar()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calendar: Calendar) -> Iterator[Journal]:
    """A journal with five runs: ended 50, 40, 10 and 1 days ago, and one of 45 days that asks a person."""
    monkeypatch.setenv("SWARM_HOME", str(tmp_path))
    with closing(Journal.at(tmp_path, clock=calendar)) as opened:
        for days in (50, 45, 40, 10, 1):
            calendar.ago = days * DAY
            scene = Scene(opened, plan_of(8), RunId(f"d{days}"))
            if days == 45:
                lively(scene)
                opened.release_lease(scene.run_id, scene.epoch)
            else:
                scene.end()
            (tmp_path / "runs" / f"d{days}").mkdir(parents=True)
        calendar.ago = 0.0
        yield opened


def left(journal: Journal) -> list[str]:
    """Name the runs that are there."""
    return [entry.run_id for entry in journal.runs()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--older-than", "30d"], ["d1", "d10", "d45"]),
        (["--older-than", "960.5h"], ["d1", "d10", "d40", "d45"]),
        (["--older-than", "1w"], ["d1", "d45"]),
        (["--keep", "1"], ["d1", "d45"]),
        (["--keep", "0"], ["d45"]),
        (["--keep", "3", "--older-than", "1d"], ["d1", "d10", "d40", "d45"]),
        (["--keep", "1", "--older-than", "30d"], ["d1", "d10", "d45"]),
    ],
)
def test_runs_go_by_age_and_number(journal: Journal, tmp_path: Path, words: list[str], expected: list[str]) -> None:
    """What is old enough and beyond the newest N goes with its folder; a run that asks a person stays."""
    assert main(["prune", *words, "--yes"]) == 0

    assert left(journal) == expected
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(expected)


def test_what_stays_is_told_with_its_reason(journal: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` tells each run, whether it goes, and why, and changes nothing."""
    held = RunId("d50")
    journal.take_lease(held, period=3600.0)
    before = left(journal)

    assert main(["prune", "--keep", "1", "--older-than", "30d", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["prune", "--keep", "1", "--older-than", "30d", "--dry-run"]) == 0
    text = capsys.readouterr().out

    why = {one["run_id"]: one["why"] for one in told["stays"]}
    assert [(one["run_id"], one["why"]) for one in told["goes"]] == [("d40", "was last at work 40 days ago")]
    assert why["d1"] == "is one of the 1 newest"
    assert why["d10"] == "was at work 10 days ago"
    assert why["d45"] == "waits for a person"
    assert f"process {os.getpid()} on " in why["d50"]
    assert "d40" in text
    assert "waits for a person" in text
    assert left(journal) == before


def test_a_run_that_cannot_be_read_is_kept_and_named(journal: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged run is not taken for an ended one; `swarm delete` deletes it all the same."""
    with journal.writing() as connection:
        connection.exec_driver_sql("UPDATE swarm_events SET data = 'x' WHERE run_id = 'd50' AND seq = 2")

    assert main(["prune", "--keep", "0", "--yes"]) == 0
    told = capsys.readouterr().out

    assert "record 2 does not match its checksum" in told
    assert left(journal) == ["d45", "d50"]
    assert main(["delete", "d50", "--yes"]) == 0
    assert left(journal) == ["d45"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--older-than 30d, --keep 20, or both"),
        (["--older-than", "30"], "is no age"),
        (["--older-than", "-1d"], "is no age"),
        (["--older-than", "1y"], "is no age"),
        (["--keep", "-1"], "0 or more"),
        (["--keep", "1"], "--yes"),
    ],
)
def test_what_is_unclear_deletes_nothing(
    journal: Journal, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """Without a rule, with a wrong one, or without anybody to ask it ends with 64 and says what to say."""
    arguments = [word if word != "-1d" else "=-1d" for word in words]
    joined = [f"{arguments[0]}{arguments[1]}"] if "=-1d" in arguments else arguments

    assert main(["prune", *joined]) == 64

    assert said in capsys.readouterr().err
    assert len(left(journal)) == 5


def test_folders_of_no_run_are_swept(journal: Journal, tmp_path: Path) -> None:
    """A folder without a run goes after a day, though no run goes."""
    for name, age in (("young", 0.5 * DAY), ("old", 2 * DAY)):
        (tmp_path / "runs" / name).mkdir()
        os.utime(tmp_path / "runs" / name, (0, time.time() - age))

    assert main(["prune", "--keep", "100", "--yes"]) == 0

    assert len(left(journal)) == 5
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {*left(journal), "young"}


def test_at_a_terminal_it_asks_once(journal: Journal) -> None:
    """The table of what goes comes first, then one question for all of it."""
    told, code = at_terminal(["prune", "--keep", "1"], "y\n")

    assert code == 0
    assert told.count("[y/N]") == 1
    assert told.index("d40") < told.index("[y/N]")
    assert left(journal) == ["d1", "d45"]
