"""`swarm run`: from a requirements file to verified results, in this process."""

import argparse
from pathlib import Path

from prefect_swarm.cli.consent import ask_to_start, require_ready
from prefect_swarm.cli.naming import new_run_id
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.planning import DEFAULT_FILE, add_plan_options, plan_from, settings_of
from prefect_swarm.cli.restore import restored
from prefect_swarm.cli.resume import go_on
from prefect_swarm.cli.session import Session
from prefect_swarm.cli.wishes import add_wishes, wishes_of
from prefect_swarm.core.errors import UsageError
from prefect_swarm.journal.home import open_journal


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `swarm run`."""
    add_plan_options(parser)
    add_wishes(parser)
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="where agents work (default: here)")
    parser.add_argument(
        "--resume-checkpoint", type=Path, metavar="FILE", help="go on with the run of a checkpoint file"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before starting")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Run the requirements file, or go on with the run of a checkpoint; the exit code tells the outcome."""
    settings = settings_of(arguments)
    wishes = wishes_of(arguments, arguments.output_dir or Path())
    if arguments.resume_checkpoint:
        run_id = restored(arguments.resume_checkpoint, arguments.output_dir, settings, output, agreed=arguments.yes)
        return go_on(open_journal(settings), run_id, settings, wishes, output=output)
    if arguments.interactive:
        _ask_for_requirement(arguments, output)
    plan = plan_from(arguments, settings)
    require_ready(plan)
    ask_to_start(plan, settings, output, agreed=arguments.yes)
    return Session(open_journal(settings), new_run_id(), plan, settings=settings, wishes=wishes).hold(output)


def _ask_for_requirement(arguments: argparse.Namespace, output: Output) -> None:
    """Where no file is named and none is there, ask what is wanted and save it as a requirements file."""
    path = Path(DEFAULT_FILE)
    if arguments.file or arguments.requirements or path.exists():
        return
    try:
        wanted = input("what is required? ").strip()
    except EOFError:
        wanted = ""
    if not wanted:
        raise UsageError(f"nothing is required; write it into ./{DEFAULT_FILE} or name a file")
    quoted = "'" + wanted.replace("'", "''") + "'"
    path.write_text(f"requirements:\n  - {quoted}\n", encoding="utf-8")
    output.tell(f"saved as ./{DEFAULT_FILE}")
