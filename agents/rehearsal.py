"""The runner `rehearsal`: a scripted agent that does nothing but take its time, for trying a plan without paying.

Card: `runner: {rehearsal: {seconds: 2, failures: 1, output: text}}`: so many seconds an attempt, the first so many
attempts fail. It is labelled as rehearsal wherever it is shown, and proves nothing.
"""

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field

from prefect_swarm.core.policy import Failure
from prefect_swarm.core.ports import Assignment, Outcome, Report, Stop

_STEPS = 10


class Script(BaseModel):
    """What a card may say about a rehearsed agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float | None = Field(default=None, ge=0)
    failures: int = Field(default=0, ge=0)
    output: str = "rehearsed"


class RehearsalRunner:
    """Plays a script."""

    def __init__(self, seconds: float) -> None:
        """Take so many seconds where the card says nothing."""
        self._seconds = seconds

    def run(self, assignment: Assignment, *, progress: Callable[[Report], None], stop: Stop) -> Outcome:
        """Play the card's script for one attempt."""
        script = Script.model_validate(assignment.runner.options.get("rehearsal") or {})
        begun = time.monotonic()
        seconds = self._seconds if script.seconds is None else script.seconds
        for step in range(_STEPS):
            progress(Report(step / _STEPS, "rehearsing"))
            if stop.wait(seconds / _STEPS):
                return Outcome(time.monotonic() - begun, Failure.INTERRUPTED, "stopped with the run")
        took = time.monotonic() - begun
        if assignment.used < script.failures:
            return Outcome(took, Failure.AGENT_FAILED, f"scripted failure {assignment.used + 1} of {script.failures}")
        return Outcome(took, summary=f"rehearsal: {script.output}")
