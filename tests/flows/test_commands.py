"""The command line as it is promised, word for word, with a real Prefect server."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from prefect_swarm.core.events import InterventionDecided
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.state import ItemStatus, RunStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.fakeagent import most_at_once
from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project

AGENT = """---
name: {name}
description: {name} as this project runs it.
runner: {{command: [sh, -c, "echo {name} >> chain.txt"]}}
---
Do what is asked.
"""


@pytest.mark.parametrize(
    ("line", "most"),
    [
        ("run --project-type=web_app --requirements=requirements.yaml --dashboard", 3),
        ("run --project-type=web_app --requirements=requirements.yaml --dashboard --max-parallel=5", 5),
    ],
)
def test_a_run_with_dashboard_works_and_ends(project: Project, line: str, most: int) -> None:
    """The promised lines run the file, serve the dashboard meanwhile, keep to the slots, and end without a terminal."""
    project.write(*(Part(f"P{n}", script=("--meet", str(most))) for n in range(7)))

    code = project.swarm(*shlex.split(line))

    assert code == 0, project.output
    assert most_at_once(project.ledger()) == most
    assert "dashboard: http://127.0.0.1:" in project.output
    assert open_journal(project.settings).plan(project.last_run()).project.type == "web_app"


def test_a_chain_runs_exactly_these_agents_in_this_order(project: Project) -> None:
    """`--chain=a,b --interactive --progress` runs both agents, in order, for every requirement."""
    _agents(project.folder / "agents", "project-architect", "rapid-builder")
    (project.folder / "requirements.yaml").write_text("requirements: [First wish]\n")

    code = project.swarm(*shlex.split("run --chain=project-architect,rapid-builder --interactive --progress"))

    assert code == 0, project.output
    assert (project.folder / "chain.txt").read_text().split() == ["project-architect", "rapid-builder"]


def test_interactive_asks_for_what_is_required_and_saves_it(project: Project) -> None:
    """Without a file `--interactive` asks, saves the answer as requirements.yaml, and runs it."""
    _agents(project.folder / "agents", "rapid-builder")

    code = project.swarm("run", "--chain=rapid-builder", "--interactive", typed="A wish: with 'quotes' # and more\n")

    assert code == 0, project.output
    plan = open_journal(project.settings).plan(project.last_run())
    assert plan.requirements[0].title == "A wish: with 'quotes' # and more"


def test_interactive_asks_what_to_do_about_a_failure(project: Project) -> None:
    """A person at the terminal has a failed item done again, with guidance, and what waited for it goes on."""
    project.write(Part("A", script=("--fail", "1")), Part("B", needs=("A",)))

    code = project.swarm("run", "--interactive", typed="x\nr\nlook twice\n")

    state = project.state()
    assert code == 0, project.output
    assert state.items[ItemId("A/a")].generation == 2
    assert state.items[ItemId("B/b")].status is ItemStatus.VERIFIED
    records = open_journal(project.settings).records(project.last_run())
    decisions = [one.event for one in records if isinstance(one.event, InterventionDecided)]
    assert [(one.action, one.guidance) for one in decisions] == [("retry", "look twice")]


@pytest.mark.parametrize(
    ("typed", "code", "status"),
    [("s\n", 2, RunStatus.COMPLETED_WITH_FAILURES), ("a\n", 3, RunStatus.ABORTED)],
    ids=["skip", "abort"],
)
def test_a_failure_can_be_skipped_or_end_the_run(project: Project, typed: str, code: int, status: RunStatus) -> None:
    """Skipping goes on without the item; aborting ends the run with exit code 3."""
    project.write(Part("A", script=("--fail", "1")), Part("B"))

    assert project.swarm("run", "--interactive", typed=typed) == code, project.output
    assert project.state().status is status


def test_a_rehearsal_needs_no_runner_and_proves_nothing(project: Project) -> None:
    """`--rehearse` runs a plan of built-in agents without any of them, says so, and calls no criterion proved."""
    (project.folder / "requirements.yaml").write_text(
        "requirements:\n  - title: Users can log in\n    acceptance: [{file: never.txt}]\n"
    )
    project.environment = {**project.environment, "SWARM_REHEARSAL_SECONDS": "0.1"}

    code = project.swarm("run", "--rehearse", "--json")

    shown = json.loads(project.output)
    assert code == 0
    assert shown["rehearsal"] is True
    assert (shown["progress"]["criteria"], shown["progress"]["proved"]) == (1, 0)


def test_the_exit_code_tells_that_some_requirements_failed(project: Project) -> None:
    """A run in which some requirements are completed and others failed exits with 2."""
    project.write(Part("A", script=("--fail", "9")), Part("B"))

    assert project.swarm("run") == 2, project.output


def _missing_program(folder: Path) -> None:
    (folder / "agents").mkdir()
    card = "---\nname: mine\ndescription: Mine.\nrunner: {command: [no-such-program-here]}\n---\nx\n"
    (folder / "agents/mine.md").write_text(card)
    (folder / "requirements.yaml").write_text("requirements: [{title: a wish, agents: [mine]}]\n")


def _no_runner(folder: Path) -> None:
    (folder / "requirements.yaml").write_text("requirements: [a wish]\n")


def _nothing(_folder: Path) -> None:
    """A folder without any file."""


def _bad_file(folder: Path) -> None:
    (folder / "requirements.yaml").write_text("requirements:\n  - id: A\n    title: a\n    depends_on: [B]\n")


@pytest.mark.parametrize(
    ("prepare", "code", "said"),
    [
        (_missing_program, 69, "no-such-program-here is missing, needed by agent mine"),
        (_no_runner, 69, "--rehearse"),
        (_bad_file, 65, "requirements.yaml:4:18: A depends on B, which no requirement has"),
        (_nothing, 64, "there is no ./requirements.yaml"),
    ],
    ids=["missing program", "no runner", "bad file", "no file"],
)
def test_what_cannot_run_is_refused_before_anything_happens(
    project: Project, prepare: Callable[[Path], None], code: int, said: str
) -> None:
    """A missing tool, runner or file, or a bad one, ends with its exit code and remedy, and leaves no run behind."""
    prepare(project.folder)

    assert project.swarm("run", "--yes") == code
    assert said in project.output
    assert open_journal(project.settings).runs() == ()


def test_a_server_that_does_not_answer_is_named(project: Project) -> None:
    """A configured Prefect server that is away is named with the remedy, and no run is left behind."""
    project.write(Part("A"))
    project.environment = {"PREFECT_API_URL": "http://127.0.0.1:9/api"}

    assert project.swarm("run") == 69
    assert "http://127.0.0.1:9/api" in project.output
    assert open_journal(project.settings).runs() == ()


def _agents(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / f"{name}.md").write_text(AGENT.format(name=name), encoding="utf-8")
