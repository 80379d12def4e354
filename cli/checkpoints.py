"""`swarm checkpoints RUN [N]`: the numbered marks of a run, and all that is known of it at one of them."""

import argparse
import os
from dataclasses import asdict
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from prefect_swarm.cli.output import Output
from prefect_swarm.cli.summary import summary
from prefect_swarm.core.history import Mark
from prefect_swarm.core.settings import settings_from
from prefect_swarm.journal.checkpoints import snapshot_of
from prefect_swarm.journal.history import History, read_history
from prefect_swarm.journal.home import open_journal

SHORT = 12
"""Characters of a digest that a table shows."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", nargs="?", default="last", help="id of the run, the beginning of one, or `last`")
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="show the whole state at this checkpoint")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Show the checkpoints of a run, or one of them. Raises RunNotFound, and UsageError for a number there is not."""
    journal = open_journal(settings_from(os.environ))
    history = read_history(journal, journal.find(arguments.run))
    if arguments.number is not None:
        _show_one(history, history.mark(arguments.number), output)
    elif output.json_only:
        output.document([asdict(mark) for mark in history.marks])
    elif history.marks:
        output.show(_table(history.marks))
    else:
        output.tell(f"run {history.run_id} has no checkpoint yet")
    return 0


def _show_one(history: History, mark: Mark, output: Output) -> None:
    then = history.at(mark)
    snapshot = snapshot_of(then.plan, then.state, mark.at)
    if output.json_only:
        output.document(snapshot.model_dump(mode="json"))
        return
    output.show(f"checkpoint {mark.number} of run {history.run_id}, {_when(mark)}")
    output.show(summary(snapshot.view))
    fork = " --fork" if mark.rewound else ""
    output.show(f"go back  swarm resume {history.run_id}{fork} --from {mark.number}")


def _table(marks: tuple[Mark, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("checkpoint", "made", "completed", "event", "digest", ""):
        table.add_column(name)
    for mark in marks:
        completed = f"{mark.completed} of {mark.total}"
        note = Text("rewound" if mark.rewound else "", "yellow")
        table.add_row(Text(str(mark.number), "bold"), _when(mark), completed, str(mark.seq), mark.digest[:SHORT], note)
    return table


def _when(mark: Mark) -> str:
    return datetime.fromtimestamp(mark.at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
