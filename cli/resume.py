"""`swarm resume RUN`: go on with a run from where the journal says it stands."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from prefect_swarm.cli.output import Output
from prefect_swarm.cli.session import Session
from prefect_swarm.cli.wishes import Wishes, add_wishes, wishes_of
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.core.state import RunStatus
from prefect_swarm.journal.home import open_journal


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `swarm resume`."""
    parser.add_argument("run", nargs="?", default="last", help="id of the run, the beginning of one, or `last`")
    parser.add_argument("--max-parallel", type=int, metavar="N", help="attempts running at the same time")
    add_wishes(parser)


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Go on with the run; the exit code tells the outcome."""
    settings = settings_from(os.environ, max_parallel=arguments.max_parallel)
    return resume_run(arguments.run, settings, wishes_of(arguments, Path()), output)


def resume_run(word: str, settings: Settings, wishes: Wishes, output: Output) -> int:
    """Go on with the run that a word means, in the output folder it began in.

    A completed run stays as it is. Raises RunNotFound, RunHeld.
    """
    journal = open_journal(settings)
    run_id = journal.find(word)
    plan = journal.plan(run_id)
    state = journal.state(run_id, plan)
    if state.status is RunStatus.COMPLETED:
        output.tell(f"run {run_id} is completed: there is nothing to do")
        return 0
    if state.output:
        wishes = replace(wishes, output_dir=Path(state.output))
    return Session(journal, run_id, plan, settings=settings, wishes=wishes).hold(output)
