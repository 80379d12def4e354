"""Which runner runs an agent."""

from prefect_swarm.agents.callable import PythonRunner
from prefect_swarm.agents.command import CommandRunner
from prefect_swarm.agents.rehearsal import RehearsalRunner
from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.ports import Runner
from prefect_swarm.core.settings import Settings

KINDS = ("command", "python", "rehearsal")
"""The runners there are; further kinds of the cards' format are not built yet."""


def runner_for(kind: str, settings: Settings) -> Runner:
    """Give the runner of a kind. Raises Unavailable where there is none of that kind."""
    match kind:
        case "command":
            return CommandRunner(settings.pass_env)
        case "python":
            return PythonRunner(settings.pass_env)
        case "rehearsal":
            return RehearsalRunner(settings.rehearsal_seconds)
        case _:
            raise Unavailable(f"no runner {kind!r}: use command, python or rehearsal in the agent's card")
