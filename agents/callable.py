"""The runner `python`: a function is an agent.

Card: `runner: {python: "package.module:function"}`. The function gets a `Task` and may return a summary (text).
It runs in a process of its own, so that it can be timed out and ended like any other agent; an exception means
that the attempt failed.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from prefect_swarm.agents.command import CommandOptions, CommandRunner
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ports import Assignment, Outcome, Report, Stop


@dataclass(frozen=True, slots=True)
class Task:
    """What a function that is an agent gets."""

    item: str
    requirement: str
    """Id of the requirement."""
    title: str
    description: str
    prompt: str
    """All an agent is told: requirement, criteria, what it builds on, evidence of the last attempt."""
    workspace: str
    attempt: int

    def progress(self, fraction: float | None = None, message: str = "") -> None:
        """Say how far the work is, from 0 to 1, and what is being done."""
        print(json.dumps({"progress": fraction, "message": message}), flush=True)  # noqa: T201 - this is the protocol


class PythonRunner:
    """Runs a function in a process of its own."""

    def __init__(self, pass_env: tuple[str, ...] = ()) -> None:
        """Let the named variables of our environment through to the function's process."""
        self._commands = CommandRunner((*pass_env, "PYTHONPATH"))  # it runs our interpreter, so as ours was set up

    def run(self, assignment: Assignment, *, progress: Callable[[Report], None], stop: Stop) -> Outcome:
        """Run the card's function as the agent."""
        options = dict(assignment.runner.options)
        target = str(options.pop("python"))
        requirement = assignment.requirement
        task = Task(
            item=assignment.item,
            requirement=requirement.id,
            title=requirement.title,
            description=requirement.description,
            prompt=assignment.prompt,
            workspace=assignment.workspace,
            attempt=assignment.attempt,
        )
        path = Path(assignment.folder) / "task.json"
        path.write_text(json.dumps(asdict(task)), encoding="utf-8")
        argv = (
            sys.executable,
            "-m",
            "prefect_swarm.agents.callable",
            target,
            str(path),
            assignment.card.folder,
            str(Path.cwd()),
        )
        command = CommandOptions.model_validate({"command": argv, **options})
        return self._commands.run_argv(assignment, argv, command, progress=progress, stop=stop)


def load_function(target: str) -> Callable[[Task], object]:
    """Import `package.module:function`. Raises UsageError where there is no such function."""
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name or "", None)
    if not callable(found):
        raise UsageError(f"{target!r} names no function: write `package.module:function`")
    return found


def main(target: str, task_file: str, *places: str) -> None:
    """Run a function as an agent, in this process; what it returns becomes the summary.

    Its module is looked for in the card's folder and in that in which `swarm` was started, then as usual.
    """
    sys.path[:0] = [place for place in places if place]
    task = Task(**json.loads(Path(task_file).read_text(encoding="utf-8")))
    said = load_function(target)(task)
    result = json.dumps({"summary": "" if said is None else str(said)})
    Path(os.environ["SWARM_RESULT_FILE"]).write_text(result, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
