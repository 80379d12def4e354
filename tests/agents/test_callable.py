"""The runner `python`: a function is an agent."""

import threading
from pathlib import Path

import pytest
from tests.agents.conftest import Assign

from prefect_swarm.agents.callable import PythonRunner, load_function
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.ports import Assignment, Outcome, Report

AGENTS = """
import os, time

def build(task):
    task.progress(0.5, "half way")
    with open("made.txt", "w") as file:
        file.write(task.prompt)
    return f"{task.item} {task.requirement} {task.title} {task.attempt} {os.getcwd() == task.workspace}"

def quiet(task): pass
def number(task): return 42
def broken(task): raise RuntimeError("the paper is out")
def slow(task): time.sleep(600)
def leaves(task): raise SystemExit(4)
count = 3
"""


@pytest.fixture(autouse=True)
def cards(tmp_path: Path) -> Path:
    """The folder of the card, with a module of agents beside it."""
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "my_agents.py").write_text(AGENTS)
    return folder


def run(assignment: Assignment, reports: list[Report] | None = None) -> Outcome:
    """Have the function of an assignment work."""
    heard = reports if reports is not None else []
    return PythonRunner().run(assignment, progress=heard.append, stop=threading.Event())


def test_a_function_does_the_work(assign: Assign, tmp_path: Path) -> None:
    """It is given its task, works in the workspace, says how far it is, and what it returns is the summary."""
    reports = list[Report]()
    text = "Do \u202e {it} \U0001f600\r\n"

    outcome = run(assign("python", {"python": "my_agents:build"}, prompt=text, attempt=2), reports)

    assert (outcome.failure, outcome.summary) == (None, "REQ-1/x REQ-1 Make it 2 True")
    assert reports == [Report(0.5, "half way")]
    assert (tmp_path / "work" / "made.txt").read_bytes() == text.encode()


@pytest.mark.parametrize(("name", "summary"), [("quiet", ""), ("number", "42")])
def test_what_a_function_returns_is_told_as_text(assign: Assign, name: str, summary: str) -> None:
    """Nothing is an empty summary, anything else its text."""
    outcome = run(assign("python", {"python": f"my_agents:{name}"}))

    assert (outcome.failure, outcome.summary) == (None, summary)


@pytest.mark.parametrize(
    ("name", "reason", "told"),
    [
        ("my_agents:broken", "exit code 1", "RuntimeError: the paper is out"),
        ("my_agents:leaves", "exit code 4", ""),
        ("my_agents:missing", "exit code 1", "names no function"),
        ("my_agents:count", "exit code 1", "names no function"),
        ("my_agents", "exit code 1", "write `package.module:function`"),
        ("no_such_module:build", "exit code 1", "No module named 'no_such_module'"),
    ],
)
def test_an_exception_is_a_failed_attempt(assign: Assign, name: str, reason: str, told: str) -> None:
    """What went wrong stands in the output, for the next attempt and for people."""
    outcome = run(assign("python", {"python": name}))

    assert (outcome.failure, outcome.reason) == (Failure.AGENT_FAILED, reason)
    assert told in outcome.output


def test_a_function_is_timed_out_like_any_agent(assign: Assign) -> None:
    """It runs in a process of its own, which can be ended."""
    outcome = run(assign("python", {"python": "my_agents:slow"}, timeout=1.0))

    assert (outcome.failure, outcome.reason) == (Failure.TIMED_OUT, "still running after 1 s")


def test_a_function_is_found_by_its_name() -> None:
    """`package.module:function` names a function; anything else is wrong usage."""
    assert load_function("os.path:join") is __import__("os").path.join
    with pytest.raises(UsageError, match="'os:sep' names no function: write `package"):
        load_function("os:sep")
