"""`swarm resume RUN`: go on with a run, from where the journal says it stands or from an earlier checkpoint."""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from prefect_swarm.agents.planning import changed_file
from prefect_swarm.cli.consent import require_ready
from prefect_swarm.cli.forecast import show_forecast
from prefect_swarm.cli.naming import new_run_id
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.session import Session
from prefect_swarm.cli.ways import Crossing, Way
from prefect_swarm.cli.wishes import Wishes, add_wishes, wishes_of
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.core.state import RunStatus
from prefect_swarm.journal.history import read_history, read_run
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.journal.takeover import begin, rewind


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `swarm resume`."""
    parser.add_argument("run", nargs="?", default="last", help="id of the run, the beginning of one, or `last`")
    parser.add_argument(
        "--from", dest="back", default="", metavar="N|FILE", help="go back to a checkpoint: its number, or a file"
    )
    parser.add_argument("--reuse", action="store_true", help="plan anew, and keep the finished work that still counts")
    parser.add_argument("--fork", action="store_true", help="make a new run of it; the old one stays as it is")
    parser.add_argument("--dry-run", action="store_true", help="say what would run and why, and change nothing")
    parser.add_argument("--max-parallel", type=int, metavar="N", help="attempts running at the same time")
    add_wishes(parser)


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Go on with the run; the exit code tells the outcome."""
    settings = settings_from(os.environ, max_parallel=arguments.max_parallel)
    journal = open_journal(settings)
    way = Way(arguments.back, reuse=arguments.reuse, fork=arguments.fork)
    crossing = Crossing(journal, journal.find(arguments.run), way, settings)
    if arguments.dry_run:
        show_forecast(crossing, output)
        return 0
    run_id = crossing.run_id if way.straight else _turn(crossing, output)
    return go_on(journal, run_id, settings, wishes_of(arguments, Path()), output=output)


def go_on(journal: Journal, run_id: RunId, settings: Settings, wishes: Wishes, *, output: Output) -> int:
    """Go on with a run from where it stands, in the output folder it began in; a completed one stays as it is.

    Raises RunNotFound, RunHeld.
    """
    now = read_run(journal, run_id)
    _tell_change(now.plan, run_id, output)
    if now.state.status is RunStatus.COMPLETED:
        output.tell(f"run {run_id} is completed: there is nothing to do")
        return 0
    if now.state.output:
        wishes = replace(wishes, output_dir=Path(now.state.output))
    return Session(journal, run_id, now.plan, settings=settings, wishes=wishes).hold(output)


def _turn(crossing: Crossing, output: Output) -> RunId:
    """Turn the run's history, or begin another run with what it finished; gives the run to go on with."""
    journal, run_id, settings = crossing.journal, crossing.run_id, crossing.settings
    if crossing.way.reuse:
        require_ready(crossing.plan)
    if not crossing.way.fork:
        turn = rewind(journal, run_id, crossing.decide, period=settings.lease_seconds)
        if not turn.events:
            output.tell("there is nothing to take back or to take in: the run goes on as it stands")
        return run_id
    forked = new_run_id()
    begin(journal, forked, crossing.fork(read_history(journal, run_id), forked))
    output.tell(f"run {forked} begins with what run {run_id} has finished")
    return forked


def _tell_change(plan: Plan, run_id: RunId, output: Output) -> None:
    file = changed_file(plan)
    if file is not None:
        output.tell(
            f"{file} has changed since this run was planned; the run goes on as planned. "
            f"`swarm resume {run_id} --reuse` takes the changes in, with --dry-run it shows what would run"
        )
