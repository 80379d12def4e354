"""`swarm runs`: the newest runs in a table."""

import argparse
import os
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from prefect_swarm.cli.output import Output
from prefect_swarm.cli.render import RUN_STYLES, clean, percent
from prefect_swarm.core.settings import settings_from
from prefect_swarm.core.state import RunStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.streamer.hub import Hub
from prefect_swarm.streamer.protocol import RunSummary


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: there are none."""


def execute(_arguments: argparse.Namespace, output: Output) -> int:
    """List the newest runs, the newest first."""
    found = Hub(open_journal(settings_from(os.environ))).runs()
    if output.json_only:
        output.document([one.model_dump(mode="json") for one in found])
    elif found:
        output.show(_table(found))
    else:
        output.tell("no run yet: `swarm run FILE` starts one")
    return 0


def _table(runs: tuple[RunSummary, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("run", "project", "started", "status", "done"):
        table.add_column(name, overflow="fold")
    for one in runs:
        table.add_row(*_row(one))
    return table


def _row(one: RunSummary) -> tuple[Text, ...]:
    gone = one.status is RunStatus.RUNNING and not one.alive
    status = RunStatus.INTERRUPTED if gone else one.status
    begun = datetime.fromtimestamp(one.created, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    project = clean(one.project) + (" (rehearsal)" if one.rehearsal else "")
    told = Text(status.replace("_", " "), RUN_STYLES.get(status, "yellow"))
    return Text(one.run_id, "bold"), Text(project), Text(begun), told, Text(percent(one.percent))
