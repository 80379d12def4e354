"""Runs that leave behind all that a run leaves, and what is left of them."""

import time
from pathlib import Path

from sqlalchemy import func, select
from tests.core.histories import verified
from tests.journal.conftest import PLAN

from prefect_swarm.core import events as on
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal import schema
from prefect_swarm.journal.checkpoints import SnapshotWriter, snapshot_path
from prefect_swarm.journal.home import run_folder
from prefect_swarm.journal.removal import parts_of, remove_run, rows_of
from prefect_swarm.journal.store import Journal

OTHER = RunId("run-2")
PERIOD = 15.0


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
