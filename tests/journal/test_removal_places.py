"""Where a deletion reaches, and where it never does: files, links, ids that lead elsewhere, what is nobody's."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from tests.journal.conftest import PLAN, RUN
from tests.journal.removals import OTHER, delete, files_below, live

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal import entries, schema
from prefect_swarm.journal.checkpoints import snapshot_path
from prefect_swarm.journal.home import run_folder
from prefect_swarm.journal.removal import stray_parts, sweep
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part as PlanPart
from prefect_swarm.testing.plans import plan_of

DAY = 86_400.0


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
        digest = entries.store_plan(connection, evil, PLAN)
        entries.add(connection, entries.Entry(evil, "x", digest, digest, 1.0, stream=1, head=0, epoch=0, seal=""))
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
