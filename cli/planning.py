"""How a command comes to its plan: which file, which agents, which options; shared by all that plan."""

import argparse
import os
from pathlib import Path

from prefect_swarm.agents.planning import plan_file
from prefect_swarm.agents.preflight import default_runner
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.planner import PlanOptions
from prefect_swarm.core.settings import Settings, settings_from

DEFAULT_FILE = "requirements.yaml"
START = f"""there is no ./{DEFAULT_FILE}; name a file (`swarm plan FILE`), or start one:

requirements:
  - Users can log in
  - title: Show the latest orders
    priority: high
    acceptance:
      - run: pytest -q"""


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide what is read."""
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help=f"requirements file or folder (default: ./{DEFAULT_FILE})"
    )
    parser.add_argument("--requirements", metavar="FILE", help="the same as FILE")
    parser.add_argument("--input-format", default="", metavar="NAME", help="the format of FILE, whatever it looks like")


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide what a plan is made of."""
    add_source_options(parser)
    parser.add_argument("--project-type", default="", metavar="TYPE", help="wins over the type that the file names")
    parser.add_argument("--agents", type=Path, metavar="DIR", help="folder of agents, looked through first")
    parser.add_argument("--chain", metavar="A,B,C", help="exactly these agents, in this order, for every requirement")
    parser.add_argument(
        "--infer-dependencies", action="store_true", help="take the dependencies that the texts speak of"
    )
    parser.add_argument("--runner", default="", metavar="NAME", help="runner of agents whose card names none")
    parser.add_argument("--rehearse", action="store_true", help="let a script stand in for every agent")
    parser.add_argument("--max-parallel", type=int, metavar="N", help="attempts running at the same time")


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings: from the environment, options of the command line winning."""
    return settings_from(os.environ, max_parallel=arguments.max_parallel)


def plan_from(arguments: argparse.Namespace, settings: Settings) -> Plan:
    """Read the file and the agents, and compile the plan. Raises SwarmError for everything that is wrong with them."""
    runner, reason = default_runner(arguments.runner, settings)
    options = PlanOptions(
        settings=settings,
        project_type=arguments.project_type,
        chain=_chain(arguments.chain),
        default_runner=runner,
        runner_reason=reason,
        rehearsal=arguments.rehearse,
        infer=arguments.infer_dependencies,
    )
    path = requirements_path(arguments)
    return plan_file(path, arguments.agents, options, written_as=arguments.input_format)


def requirements_path(arguments: argparse.Namespace) -> Path:
    """The file to read: FILE or `--requirements FILE`, else `./requirements.yaml`."""
    if arguments.file and arguments.requirements and arguments.file != arguments.requirements:
        raise UsageError(f"two requirements files are named: {arguments.file} and {arguments.requirements}")
    named = arguments.file or arguments.requirements
    if named is None and not Path(DEFAULT_FILE).exists():
        raise UsageError(START)
    return Path(named or DEFAULT_FILE)


def _chain(said: str | None) -> tuple[str, ...]:
    if said is None:
        return ()
    names = tuple(name.strip() for name in said.split(",") if name.strip())
    if not names:
        raise UsageError("--chain names no agent")
    return names
