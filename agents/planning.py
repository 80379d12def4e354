"""From a file to a plan: the requirements read, the agents found, the work items compiled."""

from dataclasses import replace
from pathlib import Path

from prefect_swarm.agents.learned import learned_selector
from prefect_swarm.agents.registry import find_roster
from prefect_swarm.core.document import Limits
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.planner import PlanOptions, compile_plan
from prefect_swarm.core.reading import read_requirements


def plan_file(path: Path, agents: Path | None, options: PlanOptions) -> Plan:
    """Compile the plan of a requirements file, with the agents of `agents` first.

    Raises UsageError where there is no such file, RequirementError with everything that is wrong in it.
    """
    requirements = read_requirements(_bytes(path), str(path))
    roster = find_roster(Path(), agents)
    selector = options.selector or learned_selector(roster)
    return compile_plan(requirements, roster, replace(options, selector=selector))


def _bytes(path: Path) -> bytes:
    """A file's bytes, at most one more than will be read."""
    try:
        with path.open("rb") as file:
            return file.read(Limits().bytes + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
