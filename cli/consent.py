"""Before a run starts: whether it can, and whether a person agrees."""

from prefect_swarm.agents.preflight import missing_tools
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.plan import headline, show_plan
from prefect_swarm.core.errors import Unavailable, UsageError
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings

WITHOUT_RUNNER = """no runner for {agents}; ways on:
  - give the agent a runner in its card: `runner: {{command: [program, argument]}}`, or `{{python: "module:function"}}`
  - use your own agents: --agents DIR
  - try the plan without any agent: --rehearse"""
"""What is said when a plan cannot run."""


def require_ready(plan: Plan) -> None:
    """Raise Unavailable where an agent has no runner, or a tool is missing: before the run, not in its midst."""
    without = sorted({item.agent for item in plan.items if item.runner is None})
    if without:
        raise Unavailable(WITHOUT_RUNNER.format(agents=", ".join(without)))
    missing = () if plan.rehearsal else missing_tools(plan)
    if missing:
        raise Unavailable("\n".join(["the run cannot start:", *(f"  - {lack}" for lack in missing)]))


def ask_to_start(plan: Plan, settings: Settings, output: Output, *, agreed: bool) -> None:
    """Show the plan and ask at a terminal, unless it was agreed to already. Raises UsageError for a no."""
    if not output.at_terminal or agreed:
        output.tell(headline(plan))
        return
    show_plan(plan, output, settings=settings, missing=(), everything=False)
    if input("start? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise UsageError("not started")
