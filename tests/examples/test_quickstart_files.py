"""The quickstart is consistent in itself: what its requirements name is there."""

import shutil
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"

CHECKS = {"run", "file", "contains", "text"}


@pytest.fixture(scope="module")
def requirements() -> list[dict[str, Any]]:
    """Return the requirements of the quickstart as written."""
    text = (QUICKSTART / "requirements.yaml").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = yaml.safe_load(text)["requirements"]
    return found


def card(path: Path) -> dict[str, Any]:
    """Return the front matter of an agent card."""
    front: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8").split("---\n", 2)[1])
    return front


CARDS = {path.stem: card(path) for path in sorted((QUICKSTART / "agents").glob("*.md"))}


def test_every_requirement_has_one_agent_with_a_card(requirements: list[dict[str, Any]]) -> None:
    """The agents named are the agents there are, and none is idle."""
    named = [agent for requirement in requirements for agent in requirement["agents"]]

    assert sorted(named) == sorted(CARDS)


def test_dependencies_exist_and_go_in_no_circle(requirements: list[dict[str, Any]]) -> None:
    """Every id is unique and every dependency is one of them."""
    graph = {requirement["id"]: set(requirement.get("depends_on", ())) for requirement in requirements}

    order = list(TopologicalSorter(graph).static_order())

    assert len(graph) == len(requirements)
    assert set(order) == set(graph)


def test_three_branches_run_side_by_side(requirements: list[dict[str, Any]]) -> None:
    """The demo shows parallel work: at some point at least three requirements are ready at once."""
    sorter = TopologicalSorter({entry["id"]: entry.get("depends_on", ()) for entry in requirements})
    sorter.prepare()
    widest = 0

    while sorter.is_active():
        ready = sorter.get_ready()
        widest = max(widest, len(ready))
        sorter.done(*ready)

    assert widest >= 3


def test_every_criterion_is_one_that_the_engine_knows(requirements: list[dict[str, Any]]) -> None:
    """Each requirement is proved by at least one check that runs."""
    for requirement in requirements:
        kinds = [set(criterion) for criterion in requirement["acceptance"]]
        assert all(len(kind) == 1 and kind <= CHECKS for kind in kinds), requirement["id"]
        assert any(kind != {"text"} for kind in kinds), requirement["id"]


@pytest.mark.parametrize("name", CARDS)
def test_card_is_complete(name: str) -> None:
    """A card tells its name, what its agent does, how long that may take and which program does it."""
    front = CARDS[name]

    assert front["name"] == name
    assert front["description"].endswith(".")
    assert front["stage"] in {"analyse", "design", "build", "verify", "deliver"}
    assert front["timeout"] > 0
    assert set(front["runner"]) == {"command"}


@pytest.mark.parametrize("name", CARDS)
def test_program_of_an_agent_is_installed(name: str) -> None:
    """The extra `demo` brings every program, and the scripts beside the cards exist."""
    command: list[str] = CARDS[name]["runner"]["command"]
    program, *arguments = command
    scripts = [Path(text.replace("{agents}", str(QUICKSTART / "agents"))) for text in arguments if "{agents}" in text]

    assert shutil.which(program)
    assert all(script.is_file() for script in scripts)


def test_programs_of_the_checks_are_installed(requirements: list[dict[str, Any]]) -> None:
    """What the engine runs to verify is installed as well."""
    commands = [criterion["run"] for entry in requirements for criterion in entry["acceptance"] if "run" in criterion]
    programs = {command.split()[0] if isinstance(command, str) else command[0] for command in commands}

    assert not {program for program in programs if not shutil.which(program)}
