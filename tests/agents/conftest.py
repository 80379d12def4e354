"""Assignments, programs and a look at the process table for the tests of the agents."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from pydantic import JsonValue

from prefect_swarm.agents.supervisor import Job
from prefect_swarm.core.ids import AgentName, ItemId, RequirementId, RunId
from prefect_swarm.core.ports import Assignment
from prefect_swarm.core.requirement import Requirement, Source
from prefect_swarm.core.roster import AgentCard, RunnerSpec

Assign = Callable[..., Assignment]
Script = Callable[..., Job]


@pytest.fixture
def run_id() -> Iterator[RunId]:
    """A run whose processes are found by it; a test that leaves one behind fails."""
    run = RunId(f"run-{uuid4().hex}")
    yield run
    left = processes_of(run)
    for process in left:
        process.kill()
    assert left == []


def processes_of(run_id: RunId) -> list[psutil.Process]:
    """Find the living processes that carry the marker of a run."""
    found = list[psutil.Process]()
    for process in psutil.process_iter():
        try:
            if process.environ().get("SWARM_RUN") == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def assign(tmp_path: Path, run_id: RunId) -> Assign:
    """Makes an assignment whose agent is run as the given kind with the given options."""

    def make(kind: str, options: dict[str, JsonValue], *, prompt: str = "Do it.", **further: object) -> Assignment:
        folder, workspace = tmp_path / "attempt", tmp_path / "work"
        folder.mkdir(exist_ok=True)
        workspace.mkdir(exist_ok=True)
        (folder / "prompt.md").write_text(prompt, encoding="utf-8", newline="")
        given = {
            "run_id": run_id,
            "item": ItemId("REQ-1/x"),
            "requirement": Requirement(
                id=RequirementId("REQ-1"), title="Make it", source=Source(file="a.yaml", line=1, column=1)
            ),
            "card": AgentCard(name=AgentName("x"), description="Does it.", folder=str(tmp_path / "cards")),
            "runner": RunnerSpec(kind=kind, options=options),
            "attempt": 1,
            "used": 0,
            "prompt": prompt,
            "workspace": str(workspace),
            "folder": str(folder),
            "timeout": 30.0,
            "idle_timeout": 30.0,
        }
        return Assignment(**{**given, **further})  # type: ignore[arg-type] - the fields, by name

    return make


@pytest.fixture
def script(tmp_path: Path, run_id: RunId) -> Script:
    """Makes a job of a Python script, whose processes carry the marker of the run."""

    def make(text: str, *arguments: str, timeout: float = 30.0, **further: object) -> Job:
        path = tmp_path / f"{uuid4().hex}.py"
        path.write_text(text, encoding="utf-8")
        marker = {"SWARM_RUN": run_id, "SWARM_ITEM": "REQ-1/x", "SWARM_ATTEMPT": "1"}
        given = {
            "argv": (sys.executable, "-u", str(path), *arguments),
            "cwd": str(tmp_path),
            "environment": {"PATH": os.environ["PATH"], **marker},
            "timeout": timeout,
        }
        return Job(**{**given, **further})  # type: ignore[arg-type] - the fields, by name

    return make
