"""`swarm status RUN`: where a run stands now."""

import argparse
import os

from prefect_swarm.cli.output import Output
from prefect_swarm.cli.render import screen
from prefect_swarm.cli.summary import summary
from prefect_swarm.core.settings import settings_from
from prefect_swarm.core.view import view_run
from prefect_swarm.journal.history import read_run
from prefect_swarm.journal.home import open_journal

ALL_LINES = 100_000
"""Higher than any terminal: nothing is left out."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", nargs="?", default="last", help="id of the run, the beginning of one, or `last`")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Show a run as the journal tells it. Raises RunNotFound."""
    journal = open_journal(settings_from(os.environ))
    run_id = journal.find(arguments.run)
    now = read_run(journal, run_id)
    view = view_run(now.plan, now.state, journal.clock())
    if output.json_only:
        output.document(view.model_dump(mode="json"))
    elif view.progress.status.ended:
        output.show(summary(view))
    else:
        alive = journal.holder(run_id) is not None
        output.show(screen(view, journal.clock(), height=ALL_LINES, alive=alive))
    return 0
