"""`swarm run`: from a requirements file to verified results, in this process."""

import argparse
import secrets
import time
from pathlib import Path

from prefect_swarm.agents.preflight import missing_tools
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.plan import headline, show_plan
from prefect_swarm.cli.planning import DEFAULT_FILE, add_plan_options, plan_from, settings_of
from prefect_swarm.cli.resume import resume_run
from prefect_swarm.cli.session import Session
from prefect_swarm.cli.wishes import add_wishes, wishes_of
from prefect_swarm.core.errors import Unavailable, UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.journal.checkpoints import read_snapshot
from prefect_swarm.journal.home import open_journal

WITHOUT_RUNNER = """no runner for {agents}; ways on:
  - give the agent a runner in its card: `runner: {{command: [program, argument]}}`, or `{{python: "module:function"}}`
  - use your own agents: --agents DIR
  - try the plan without any agent: --rehearse"""
"""What is said when a plan cannot run."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `swarm run`."""
    add_plan_options(parser)
    add_wishes(parser)
    parser.add_argument("--output-dir", type=Path, default=Path(), metavar="DIR", help="where agents work")
    parser.add_argument(
        "--resume-checkpoint", type=Path, metavar="FILE", help="go on with the run of a checkpoint file"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before starting")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Run the requirements file, or go on with the run of a checkpoint; the exit code tells the outcome."""
    settings = settings_of(arguments)
    if arguments.resume_checkpoint:
        run_id = read_snapshot(arguments.resume_checkpoint).run_id
        return resume_run(run_id, settings, wishes_of(arguments, arguments.output_dir), output)
    if arguments.interactive:
        _ask_for_requirement(arguments, output)
    plan = plan_from(arguments, settings)
    _require(plan)
    if output.at_terminal and not arguments.yes:
        show_plan(plan, output, settings=settings, missing=(), everything=False)
        _confirm()
    else:
        output.tell(headline(plan))
    session = Session(
        open_journal(settings), new_run_id(), plan, settings=settings, wishes=wishes_of(arguments, arguments.output_dir)
    )
    return session.hold(output)


def new_run_id() -> RunId:
    """Make an id for a run that sorts by time and is easily said."""
    return RunId(f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")


def _require(plan: Plan) -> None:
    """Raise Unavailable where an agent has no runner, or a tool is missing: before the run, not in its midst."""
    without = sorted({item.agent for item in plan.items if item.runner is None})
    if without:
        raise Unavailable(WITHOUT_RUNNER.format(agents=", ".join(without)))
    missing = () if plan.rehearsal else missing_tools(plan)
    if missing:
        raise Unavailable("\n".join(["the run cannot start:", *(f"  - {lack}" for lack in missing)]))


def _confirm() -> None:
    if input("start? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise UsageError("not started")


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
