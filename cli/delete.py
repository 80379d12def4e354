"""`swarm delete RUN`: take a run away, with everything that is kept of it."""

import argparse
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import JsonValue
from rich.table import Table
from rich.text import Text

from prefect_swarm.agents.supervisor import end_marked
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.servers import find_configured, prefect_server
from prefect_swarm.core.errors import RunHeld, UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.removal import Kept, Part, parts_of, remove_run, rows_of
from prefect_swarm.journal.store import Journal

UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Leaving:
    """A run that is to go: its parts in the order in which they go, its rows last."""

    run_id: RunId
    parts: tuple[Part, ...]
    rows: Kept
    left: int
    """Flow runs that stay on Prefect's server, because nobody asked for them to go."""

    @property
    def kept(self) -> tuple[Kept, ...]:
        """All that goes."""
        return (*(part.kept for part in self.parts if part.kept.count), self.rows)

    @property
    def size(self) -> int:
        """Bytes that go."""
        return sum(one.size for one in self.kept)

    def document(self) -> dict[str, JsonValue]:
        """Say it as JSON."""
        parts: list[JsonValue] = [
            {"what": one.what, "count": one.count, "bytes": one.size, "places": list(one.places)} for one in self.kept
        ]
        return {"run_id": self.run_id, "parts": parts}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", help="id of the run, the beginning of one, or `last`")
    add_removal_options(parser)


def add_removal_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that deletes runs."""
    parser.add_argument("--prefect", action="store_true", help="delete the flow runs on the Prefect server too")
    parser.add_argument("--dry-run", action="store_true", help="show what would go, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Delete the run. Raises RunNotFound, RunHeld, and UsageError where nobody said yes."""
    settings = settings_from(os.environ)
    journal = open_journal(settings)
    run_id = journal.find(arguments.run)
    holder = journal.holder(run_id)
    if holder is not None:
        raise RunHeld(f"run {run_id} is being executed by {holder}: end it there before it is deleted")
    leaving = leave(journal, run_id, settings, prefect=arguments.prefect)
    output.show(f"run {run_id}")
    output.show(_table(leaving))
    if not arguments.dry_run:
        confirm(arguments, output, f"delete run {run_id}?")
        with removing(settings, prefect=arguments.prefect, output=output):
            remove_run(journal, run_id, leaving.parts, period=settings.lease_seconds)
        journal.give_back()
        output.tell(f"run {run_id} is deleted: {told_size(leaving.size)}")
    if output.json_only:
        output.document({**leaving.document(), "deleted": not arguments.dry_run})
    return 0


def leave(journal: Journal, run_id: RunId, settings: Settings, *, prefect: bool) -> Leaving:
    """Find all that is kept of a run. Whatever a later part of us keeps of a run gets its entry here."""
    rows, found = rows_of(journal, run_id)
    parts = (
        Part(Kept("agents that were left at work", 0, 0), lambda: _end_agents(run_id)),
        *((_flow_runs(run_id, found.flow_runs),) if prefect else ()),
        *parts_of(run_id, found.output, settings),
    )
    return Leaving(run_id, parts, rows, left=0 if prefect else len(found.flow_runs))


@contextmanager
def removing(settings: Settings, *, prefect: bool, output: Output) -> Generator[None, None, None]:
    """Have a Prefect server meanwhile where flow runs are to go too; it is there before any run is held."""
    if not prefect:
        yield
        return
    with prefect_server(find_configured(), settings, keep=False, say=output.tell):
        yield


def confirm(arguments: argparse.Namespace, output: Output, question: str) -> None:
    """Ask once at a terminal; elsewhere `--yes` must have been said. Raises UsageError where it was not."""
    if arguments.yes:
        return
    if not output.at_terminal:
        raise UsageError("nothing is deleted: without a terminal to ask at, say --yes (or look first with --dry-run)")
    if input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing is deleted")


def told_size(size: int) -> str:
    """Say a number of bytes as a person would."""
    value, unit = float(size), UNITS[0]
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:  # noqa: PLR2004 - the next unit begins there
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == UNITS[0] else f"{value:.1f} {unit}"


def _flow_runs(run_id: RunId, ids: Sequence[str]) -> Part:
    def remove() -> None:
        from prefect_swarm.flows.removal import remove_flow_runs  # noqa: PLC0415 - Prefect, once a server is known

        remove_flow_runs(run_id, ids)

    return Part(Kept("Prefect flow runs", len(ids), 0, tuple(ids)), remove)


def _end_agents(run_id: RunId) -> None:
    end_marked({"SWARM_RUN": run_id})


def _table(leaving: Leaving) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("what goes", "number", "size", "where"):
        table.add_column(name, overflow="fold")
    for one in leaving.kept:
        table.add_row(one.what, str(one.count), told_size(one.size) if one.size else "", Text("\n".join(one.places)))
    if leaving.left:
        table.add_row(
            "stays: Prefect flow runs", str(leaving.left), "", "on the Prefect server; --prefect deletes them"
        )
    return table
