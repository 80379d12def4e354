"""The runner `rehearsal`: a scripted agent that does nothing but take its time."""

import threading

import pytest
from pydantic import JsonValue, ValidationError
from tests.agents.conftest import Assign

from prefect_swarm.agents.callable import PythonRunner
from prefect_swarm.agents.command import CommandRunner
from prefect_swarm.agents.rehearsal import RehearsalRunner
from prefect_swarm.agents.runners import runner_for
from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.ports import Assignment, Outcome, Report
from prefect_swarm.core.settings import Settings


def play(assignment: Assignment, reports: list[Report] | None = None, *, stop: bool = False) -> Outcome:
    """Play the script of an assignment."""
    sign = threading.Event()
    if stop:
        sign.set()
    heard = reports if reports is not None else []
    return RehearsalRunner(0.05).run(assignment, progress=heard.append, stop=sign)


def test_a_rehearsed_attempt_is_labelled(assign: Assign) -> None:
    """It takes its time, tells its progress, and says in its summary that it was a rehearsal."""
    reports = list[Report]()

    outcome = play(assign("rehearsal", {"rehearsal": {"seconds": 0.1, "output": "would have built it"}}), reports)

    assert (outcome.failure, outcome.summary) == (None, "rehearsal: would have built it")
    assert 0.1 <= outcome.seconds < 1.0
    assert [report.fraction for report in reports] == [step / 10 for step in range(10)]


@pytest.mark.parametrize("options", [{}, {"rehearsal": None}, {"rehearsal": {}}])
def test_a_card_need_not_say_anything(assign: Assign, options: dict[str, JsonValue]) -> None:
    """Without a script an attempt takes the time of the settings and succeeds."""
    outcome = play(assign("rehearsal", options))

    assert (outcome.failure, outcome.summary) == (None, "rehearsal: rehearsed")
    assert outcome.seconds >= 0.05


def test_the_first_attempts_fail_as_scripted(assign: Assign) -> None:
    """So many attempts fail first; the one after them succeeds."""
    script: dict[str, JsonValue] = {"rehearsal": {"seconds": 0, "failures": 2}}

    outcomes = [play(assign("rehearsal", script, used=used)) for used in range(3)]

    assert [outcome.failure for outcome in outcomes] == [Failure.AGENT_FAILED, Failure.AGENT_FAILED, None]
    assert outcomes[1].reason == "scripted failure 2 of 2"


def test_a_stopped_rehearsal_is_interrupted(assign: Assign) -> None:
    """It ends at once with the run, like a real agent."""
    outcome = play(assign("rehearsal", {"rehearsal": {"seconds": 600}}), stop=True)

    assert outcome.failure is Failure.INTERRUPTED
    assert outcome.seconds < 1.0


@pytest.mark.parametrize("script", [{"seconds": -1}, {"failures": -1}, {"speed": 3}])
def test_a_script_that_makes_no_sense_is_refused(assign: Assign, script: dict[str, JsonValue]) -> None:
    """A misspelt word of a script is not passed over."""
    with pytest.raises(ValidationError):
        play(assign("rehearsal", {"rehearsal": script}))


def test_each_kind_of_runner_is_found() -> None:
    """A card's kind of runner is known, or the run says what there is."""
    kinds = {"command": CommandRunner, "python": PythonRunner, "rehearsal": RehearsalRunner}

    assert {kind: type(runner_for(kind, Settings())) for kind in kinds} == kinds
    with pytest.raises(Unavailable, match="no runner 'magic': use command, python or rehearsal"):
        runner_for("magic", Settings())
