"""Deleting a run: all that is kept of it goes, nothing else does, and what breaks off can be done again."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from tests.core.histories import verified
from tests.house.sources import REPOSITORY
from tests.journal.conftest import PLAN, RUN
from tests.journal.processes import ask, kill, output, start
from tests.trials import trials

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Fenced, RunHeld, RunNotFound, StorageFailed, UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal import schema
from prefect_swarm.journal.checkpoints import SnapshotWriter, snapshot_path
from prefect_swarm.journal.home import run_folder
from prefect_swarm.journal.removal import Kept, Part, parts_of, remove_run, rows_of, stray_parts, sweep
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part as PlanPart
from prefect_swarm.testing.plans import plan_of

OTHER = RunId("run-2")
PERIOD = 15.0
DAY = 86_400.0


@pytest.fixture
def settings(folder: Path) -> Settings:
    """Settings of the state folder."""
    return Settings(home=str(folder))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder that the agents worked in, with a result."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "A.txt").write_text("made by an agent")
    return tmp_path / "work"


def live(journal: Journal, run_id: RunId, work: Path, settings: Settings, plan: Plan = PLAN) -> None:
    """Leave behind all that a run leaves: rows of every kind, a folder, a checkpoint file."""
    journal.create(run_id, plan)
    epoch = journal.take_lease(run_id, period=PERIOD)
    started = on.RunStarted(plan=plan.digest, max_parallel=3, output=str(work))
    journal.append(run_id, [started, *verified("A")], epoch=epoch)
    journal.release_lease(run_id, epoch)
    journal.bind(f"flow-of-{run_id}", run_id)
    attempt = run_folder(settings, run_id) / "0123" / "1"
    attempt.mkdir(parents=True, exist_ok=True)
    (attempt / "prompt.md").write_text("Do it.")
    writer = SnapshotWriter(snapshot_path(work, run_id), plan, monotonic=time.monotonic)
    writer.write(journal.state(run_id, plan), 1.0)


def delete(journal: Journal, run_id: RunId, settings: Settings) -> None:
    """Delete a run whole."""
    _, found = rows_of(journal, run_id)
    remove_run(journal, run_id, parts_of(run_id, found.output, settings), period=PERIOD)


def rows_in(journal: Journal) -> dict[str, int]:
    """Count the rows of each table."""
    with journal.reading() as connection:
        tables = (schema.documents, schema.runs, schema.flow_runs, schema.events, schema.leases)
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def files_below(folder: Path) -> set[str]:
    """Name every file below a folder, the journal's own aside."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("journal.db"))
    return {str(path.relative_to(folder)) for path in found}


def test_everything_of_a_run_goes_and_its_results_stay(
    journal: Journal, settings: Settings, work: Path, folder: Path
) -> None:
    """Rows, prompts, logs and checkpoint go, with the emptied folder; what agents made and other runs stay."""
    live(journal, RUN, work, settings)
    delete(journal, RUN, settings)

    assert set(rows_in(journal).values()) == {0}
    assert files_below(folder) == set()
    assert files_below(work) == {"A.txt"}
    assert not (work / "checkpoints").exists()
    with pytest.raises(RunNotFound):
        journal.plan(RUN)


def test_what_is_told_to_go_is_what_is_there(journal: Journal, settings: Settings, work: Path) -> None:
    """The parts name their places and count what lies there."""
    live(journal, RUN, work, settings)
    rows, found = rows_of(journal, RUN)

    told = {part.kept.what: part.kept for part in parts_of(RUN, found.output, settings)}

    checkpoint = snapshot_path(work, RUN)
    assert told["prompts and logs"] == Kept("prompts and logs", 1, 6, (str(run_folder(settings, RUN)),))
    assert told["checkpoint file"] == Kept("checkpoint file", 1, checkpoint.stat().st_size, (str(checkpoint),))
    assert rows.count == journal.last(RUN)[0]
    assert rows.size > len(PLAN.model_dump_json())
    assert found.flow_runs == (f"flow-of-{RUN}",)


def test_a_plan_stays_as_long_as_a_run_has_it(journal: Journal, settings: Settings, work: Path) -> None:
    """Of two runs of one plan the first is deleted: the other still has its plan, state and files."""
    live(journal, RUN, work, settings)
    live(journal, OTHER, work, settings)
    before = journal.records(OTHER)

    delete(journal, RUN, settings)

    assert journal.plan(OTHER) == PLAN
    assert journal.records(OTHER) == before
    assert run_folder(settings, OTHER).is_dir()
    assert snapshot_path(work, OTHER).is_file()
    delete(journal, OTHER, settings)
    assert rows_in(journal)["swarm_documents"] == 0


def test_a_held_run_is_refused_and_stays_whole(journal: Journal, settings: Settings, work: Path, folder: Path) -> None:
    """While another process executes a run nothing of it goes, and the error names that process."""
    live(journal, RUN, work, settings)
    holder = start(folder, "hold", "60")
    assert output(holder).readline().startswith("holds")
    before = rows_in(journal), files_below(folder), files_below(work)

    with pytest.raises(RunHeld, match=f"process {holder.pid} on "):
        delete(journal, RUN, settings)

    assert (rows_in(journal), files_below(folder), files_below(work)) == before
    assert ask(holder, "go on") == "written"
    kill(holder)
    delete(journal, RUN, settings)  # a dead process holds nothing


def test_nobody_can_begin_to_execute_a_run_that_is_being_deleted(journal: Journal, folder: Path) -> None:
    """Between the first file and the last row the run is held."""
    told: list[str] = []

    def try_to_execute() -> None:
        other = start(folder, "hold", "60")
        told.append(other.communicate()[0])

    remove_run(journal, RUN, [Part(Kept("something", 1, 0), try_to_execute)], period=PERIOD)

    assert "holds" not in told[0]
    assert not journal.has(RUN)


def test_who_was_taken_over_deletes_no_rows(journal: Journal, open_again: Callable[[], Journal]) -> None:
    """A deleter that was silent for so long that another executor began leaves the rows to that one."""
    other = open_again()
    other.clock = lambda: time.time() + 1000
    taken: list[int] = []
    part = Part(Kept("slow", 1, 0), lambda: taken.append(other.take_lease(RUN, period=PERIOD)))

    with pytest.raises(Fenced):
        remove_run(journal, RUN, [part], period=PERIOD)

    assert journal.has(RUN)
    assert other.append(RUN, [on.ErrorOccurred(where="test", message="still mine")], epoch=taken[0])


def test_of_two_who_delete_at_once_one_does(journal: Journal, settings: Settings, work: Path, folder: Path) -> None:
    """Processes that delete the same run at the same time: one deletes it, the others are told why they do not."""
    for _ in range(trials(3, chaos=100)):
        live(journal, RUN, work, settings)
        processes = [deleter(folder) for _ in range(2)]

        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        told = sorted(process.communicate()[0].splitlines()[-1].partition(":")[0] for process in processes)

        assert told[1] == "deleted"
        assert told[0] in {"RunHeld", "RunNotFound"}
        assert set(rows_in(journal).values()) == {0}


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_deletion_that_was_killed_is_done_again(
    journal: Journal, settings: Settings, work: Path, *, folder: Path, parts: int
) -> None:
    """After a kill -9 between any two steps the run is still known, and deleting it again leaves nothing."""
    live(journal, RUN, work, settings)
    killed = deleter(folder, str(parts))
    killed.communicate("\n")

    assert killed.returncode == -9
    assert journal.records(RUN)
    assert len(parts_of(RUN, str(work), settings)) == 2 - parts
    delete(journal, RUN, settings)
    assert set(rows_in(journal).values()) == {0}
    assert files_below(folder) | files_below(work) == {"A.txt"}


@pytest.mark.chaos
def test_a_deletion_may_be_killed_at_any_moment(journal: Journal, settings: Settings, work: Path, folder: Path) -> None:
    """Killed at a random moment, a deletion has left the run whole enough to be deleted, or nothing of it."""
    seed = random.randrange(10**6)  # noqa: S311 - when to kill is no secret
    chance = random.Random(seed)  # noqa: S311 - when to kill is no secret
    for _ in range(trials(4, chaos=300)):
        live(journal, RUN, work, settings)
        killed = deleter(folder)
        assert killed.stdin is not None
        killed.stdin.write("\n")
        killed.stdin.flush()
        time.sleep(chance.uniform(0, 0.05))  # the moment is what the test is about
        kill(killed)

        if journal.has(RUN):
            journal.state(RUN)
            delete(journal, RUN, settings)

        assert set(rows_in(journal).values()) == {0}, f"seed {seed}"
        assert files_below(folder) | files_below(work) == {"A.txt"}, f"seed {seed}"


def deleter(folder: Path, dies_after: str = "-") -> subprocess.Popen[str]:
    """Start a process that deletes the run at the next line of its input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.deleter", str(folder), dies_after],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert output(process).readline() == "ready\n"
    return process


def test_a_file_that_cannot_be_removed_is_told_and_the_run_stays(journal: Journal) -> None:
    """The error names the file and the way on; the rows are there, and nobody holds the run."""

    def refuse() -> None:
        raise OSError(30, "Read-only file system", "/mnt/log")

    with pytest.raises(StorageFailed, match=r"/mnt/log cannot be removed .*`swarm delete run-1` again"):
        remove_run(journal, RUN, [Part(Kept("logs", 1, 0), refuse)], period=PERIOD)

    assert journal.holder(RUN) is None
    assert journal.has(RUN)


@pytest.mark.parametrize(
    "content", ["notes of mine", '{"format": "prefect-swarm/checkpoint/1", "run_id": "run-2"}', "[]"]
)
def test_a_file_that_is_no_checkpoint_of_the_run_stays(
    journal: Journal, settings: Settings, work: Path, content: str
) -> None:
    """Whatever else is called so in the output folder is not ours to delete."""
    live(journal, RUN, work, settings)
    snapshot_path(work, RUN).write_text(content)

    delete(journal, RUN, settings)

    assert snapshot_path(work, RUN).read_text() == content


def test_a_checkpoint_that_was_being_written_goes_too(journal: Journal, settings: Settings, work: Path) -> None:
    """What a killed writer left beside the checkpoint is removed with it."""
    live(journal, RUN, work, settings)
    whole = snapshot_path(work, RUN)
    whole.with_suffix(".new").write_bytes(whole.read_bytes()[:150])

    delete(journal, RUN, settings)

    assert files_below(work) == {"A.txt"}


def test_a_link_in_place_of_the_folder_leads_nowhere(journal: Journal, settings: Settings, work: Path) -> None:
    """Where an agent has put links to elsewhere, the links go and what they lead to stays."""
    live(journal, RUN, work, settings)
    (run_folder(settings, RUN) / "out").symlink_to(work)
    delete(journal, RUN, settings)
    live(journal, RUN, work, settings)
    run_folder(settings, RUN).rename(work / "moved")
    run_folder(settings, RUN).symlink_to(work / "moved")

    delete(journal, RUN, settings)

    assert files_below(work) == {"A.txt", "moved/0123/1/prompt.md"}
    assert not run_folder(settings, RUN).is_symlink()


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "/etc", "-x", "x" * 81, "a\nb", "a\x00", "ä"])
def test_an_id_that_could_lead_elsewhere_is_refused(journal: Journal, settings: Settings, name: str) -> None:
    """A run cannot be made with it, and it names no folder."""
    with pytest.raises(UsageError, match="cannot be the id of a run"):
        journal.create(RunId(name), PLAN)
    with pytest.raises(UsageError, match="cannot be the id of a run"):
        run_folder(settings, RunId(name))


def test_an_id_that_leads_elsewhere_can_be_deleted_and_takes_nothing_along(
    journal: Journal, settings: Settings, folder: Path, work: Path
) -> None:
    """Rows that somebody else wrote under such an id go; the folder that it points at stays."""
    evil = RunId("../../work")
    (folder / "runs").mkdir()
    with journal.writing() as connection:
        row = {"run_id": evil, "project": "x", "plan": PLAN.digest, "created": 1.0, "stream": 1, "head": 0}
        connection.execute(insert(schema.runs).values(row | {"origin": PLAN.digest}))
    journal.append(evil, [on.RunStarted(plan=PLAN.digest, max_parallel=3, output=str(work))])

    delete(journal, evil, settings)

    assert not journal.has(evil)
    assert (work / "A.txt").is_file()


def test_what_belongs_to_no_run_is_swept(journal: Journal, settings: Settings, work: Path, folder: Path) -> None:
    """Folders without a run go after a day, rows without one at once; what a run has stays."""
    live(journal, RUN, work, settings)
    for name, age in (("young", 0.5 * DAY), ("old", 1.5 * DAY)):
        (folder / "runs" / name).mkdir()
        (folder / "runs" / name / "prompt.md").write_text("Do it.")
        os.utime(folder / "runs" / name, (0, time.time() - age))
    os.utime(run_folder(settings, RUN), (0, 0))
    with journal.writing() as connection:
        connection.execute(insert(schema.documents).values(digest="sha256:orphan", body=b"x"))
        connection.execute(insert(schema.flow_runs).values(flow_run_id="orphan", run_id="gone"))
    before = journal.records(RUN)

    gone = sweep(journal, stray_parts(journal, settings, time.time()))

    assert gone == 2
    assert {path.name for path in (folder / "runs").iterdir()} == {RUN, "young"}
    assert journal.records(RUN) == before
    assert journal.plan(RUN) == PLAN


def test_folders_of_the_state_folders_own_journal_stay_when_another_is_used(
    journal: Journal, settings: Settings, work: Path, tmp_path: Path
) -> None:
    """Whoever prunes with SWARM_JOURNAL set does not take the folders of the runs beside it for nobody's."""
    live(journal, RUN, work, settings)
    os.utime(run_folder(settings, RUN), (0, 0))
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    elsewhere = Journal(url)

    strays = stray_parts(elsewhere, settings.model_copy(update={"journal": url}), time.time())

    elsewhere.close()
    assert strays == ()


def test_the_file_shrinks_when_space_is_given_back(journal: Journal, folder: Path, settings: Settings) -> None:
    """After a large run is deleted the journal's file is small again, and what is left in it is whole."""
    large = on.ErrorOccurred(where="test", message="x" * 4_000)
    journal.create(OTHER, plan_of(PlanPart("Z")))
    journal.append(RUN, [large])
    for _ in range(20):
        journal.append(OTHER, [large] * 50)
    _settle(journal)
    before = (folder / "journal.db").stat().st_size

    delete(journal, OTHER, settings)
    journal.give_back()
    _settle(journal)

    assert before > 4_000_000
    assert (folder / "journal.db").stat().st_size < before / 10
    assert len(journal.records(RUN)) == 1


def _settle(journal: Journal) -> None:
    """Have SQLite move its log into the file."""
    with journal.reading() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
