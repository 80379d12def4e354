"""From a file to a plan: the requirements read, the agents found, the work items compiled."""

from pathlib import Path

from prefect_swarm.agents.documents import document_at
from prefect_swarm.agents.registry import find_roster
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.planner import PlanOptions, compile_plan
from prefect_swarm.core.reading import read_document


def plan_file(path: Path, agents: Path | None, options: PlanOptions, *, written_as: str = "") -> Plan:
    """Compile the plan of a requirements file or folder, with the agents of `agents` first.

    Raises UsageError where there is no such file or format, RequirementError with everything that is wrong in it.
    """
    requirements = read_document(document_at(path), written_as=written_as)
    return compile_plan(requirements, find_roster(Path(), agents), options)
