"""The deployment's entry: a requirements file in, a verified run out, compiled when the flow run starts."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow
from pydantic import Field

from prefect_swarm.agents.planning import plan_file
from prefect_swarm.agents.preflight import default_runner, missing_tools
from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.planner import PlanOptions
from prefect_swarm.core.settings import Settings, settings_from
from prefect_swarm.flows.compile import HOOKS, execute, flow_run_name, run_of_flow
from prefect_swarm.journal.home import open_journal
from prefect_swarm.tasks.hooks import flow_hook

ProjectType = Literal["", "web_app", "api_service", "full_stack_api", "ai_solution", "library"]
_hooks: dict[str, Any] = {name: [flow_hook(None)] for name in HOOKS}


@flow(name="orchestrate", flow_run_name=flow_run_name, **_hooks)
def orchestrate(
    requirements: Annotated[str, Field(description="Absolute path of the requirements file, on the worker.")],
    *,
    run: Annotated[str | None, Field(description="Id of a run to go on with; empty: a new run.")] = None,
    output_dir: Annotated[str, Field(description="Absolute folder where agents work; empty: that of the file.")] = "",
    agents: Annotated[str, Field(description="Absolute folder of agent cards, looked through first.")] = "",
    project_type: Annotated[ProjectType, Field(description="Wins over the type that the file names.")] = "",
    max_parallel: Annotated[int, Field(description="Attempts running at the same time.", ge=1, le=1000)] = 3,
    rehearse: Annotated[bool, Field(description="Let a script stand in for every agent.")] = False,
) -> Any:
    """Run a requirements file until its results are verified.

    A new flow run is a new run; Prefect's Retry of it goes on with the same one. The texts of the requirements are
    read where the flow runs, and never travel as parameters.
    """
    settings = settings_from(os.environ, max_parallel=max_parallel)
    path = Path(requirements).absolute()
    run_id = RunId(run) if run else run_of_flow()
    plan = _known_plan(run_id, settings)
    if plan is None:
        plan = _plan(path, agents, settings, project_type=project_type, rehearse=rehearse)
    output = Path(output_dir) if output_dir else path.parent
    return execute(plan, run_id, settings=settings, output=output, control=None)


def _known_plan(run_id: RunId, settings: Settings) -> Plan | None:
    """The plan of a run that began earlier: it is gone on with as it was planned."""
    journal = open_journal(settings)
    return journal.plan(run_id) if run_id in {entry.run_id for entry in journal.runs()} else None


def _plan(path: Path, agents: str, settings: Settings, *, project_type: str, rehearse: bool) -> Plan:
    runner, reason = default_runner("", settings)
    options = PlanOptions(
        settings=settings, project_type=project_type, default_runner=runner, runner_reason=reason, rehearsal=rehearse
    )
    plan = plan_file(path, Path(agents) if agents else None, options)
    missing = () if rehearse else missing_tools(plan)
    if missing:
        raise Unavailable("\n".join(["the run cannot start:", *missing]))
    return plan
