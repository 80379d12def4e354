"""The runner `command`: any program is an agent.

Card: `runner: {command: [program, argument, ...], prompt: stdin|file|none}`. The program works in the workspace;
`{agents}` in an argument is the card's folder. Exit code 0 means done. A line of standard output that is a JSON
object with `progress` (0 to 1) or `message` is progress. A JSON object in the file SWARM_RESULT_FILE may give a
`summary`; it cannot decide anything.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prefect_swarm.agents.environment import environment_for
from prefect_swarm.agents.storage import writing
from prefect_swarm.agents.supervisor import Ended, Ending, Job, run_process
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.ports import Assignment, Outcome, Report, Stop

RESULT_LIMIT = 1024 * 1024
"""Bytes of a result file that are read."""


class CommandOptions(BaseModel):
    """What a card may say about the runner `command`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...] = Field(min_length=1)
    prompt: str = Field(default="none", pattern="^(stdin|file|none)$")
    env: dict[str, str] = {}


class _Progress(BaseModel):
    progress: float | None = Field(default=None, ge=0, le=1)
    message: str = ""


class CommandRunner:
    """Runs a program."""

    def __init__(self, pass_env: tuple[str, ...] = ()) -> None:
        """Let the named variables of our environment through to the program."""
        self._pass_env = pass_env

    def run(self, assignment: Assignment, *, progress: Callable[[Report], None], stop: Stop) -> Outcome:
        """Run the card's program as the agent."""
        options = CommandOptions.model_validate(assignment.runner.options)
        argv = tuple(word.replace("{agents}", assignment.card.folder) for word in options.command)
        return self.run_argv(assignment, argv, options, progress=progress, stop=stop)

    def run_argv(
        self,
        assignment: Assignment,
        argv: tuple[str, ...],
        options: CommandOptions,
        *,
        progress: Callable[[Report], None],
        stop: Stop,
    ) -> Outcome:
        """Run an argument list as the agent."""
        environment = environment_for(assignment, os.environ, self._pass_env)
        ours = {name: value for name, value in environment.items() if name.startswith("SWARM_")}
        environment |= options.env | ours  # a card that hid the marker would keep its processes from being found
        job = Job(
            argv=argv,
            cwd=assignment.workspace,
            environment=environment,
            timeout=assignment.timeout,
            idle_timeout=assignment.idle_timeout,
            log=f"{assignment.folder}/agent.log",
            stdin=environment["SWARM_PROMPT_FILE"] if options.prompt == "stdin" else None,
        )
        try:
            with writing(Path(assignment.folder)):
                ended = run_process(job, stop=stop, on_line=lambda line: _tell(line, progress))
        except OSError as error:
            return Outcome(0.0, Failure.TOOL_MISSING, f"{argv[0]} cannot be started: {error.strerror or error}")
        return _outcome(ended, assignment)


def _tell(line: str, progress: Callable[[Report], None]) -> None:
    if not line.startswith("{"):
        return
    try:
        said = _Progress.model_validate_json(line)
    except ValidationError:
        return  # the program's own JSON, not meant for us
    if said.progress is not None or said.message:
        progress(Report(said.progress, said.message))


def _outcome(ended: Ended, assignment: Assignment) -> Outcome:
    match ended.ending:
        case Ending.STOPPED:
            return Outcome(ended.seconds, Failure.INTERRUPTED, "stopped with the run", output=ended.output)
        case Ending.TIMED_OUT:
            return Outcome(
                ended.seconds, Failure.TIMED_OUT, f"still running after {assignment.timeout:g} s", output=ended.output
            )
        case Ending.IDLE:
            reason = f"silent for {assignment.idle_timeout:g} s"
            return Outcome(ended.seconds, Failure.STUCK, reason, output=ended.output)
        case Ending.EXITED if ended.exit_code != 0:
            return Outcome(ended.seconds, Failure.AGENT_FAILED, _why(ended.exit_code), output=ended.output)
        case _:
            return _done(ended, assignment)


def _why(exit_code: int) -> str:
    return f"ended by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"


def _done(ended: Ended, assignment: Assignment) -> Outcome:
    path = Path(assignment.folder) / "result.json"
    if not path.is_file():
        return Outcome(ended.seconds, summary=_last_line(ended.output), output=ended.output)
    try:
        with path.open("rb") as file:
            result = json.loads(file.read(RESULT_LIMIT))
        summary = result.get("summary")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        reason = f"its result file is no JSON object: {error}"
        return Outcome(ended.seconds, Failure.INVALID_OUTPUT, reason, output=ended.output)
    return Outcome(ended.seconds, summary=_text(summary)[:2000], output=ended.output)


def _text(said: object) -> str:
    """Give what was said as a text that can be written down: JSON can hold halves of characters, a file cannot."""
    return "" if said is None else str(said).encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("{")]
    return lines[-1][:300] if lines else ""
