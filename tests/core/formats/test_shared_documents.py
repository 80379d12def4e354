"""Real files of every format that is read, where they are on this machine, against what is known of them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from prefect_swarm.agents.documents import document_at
from prefect_swarm.core.reading import read_document
from prefect_swarm.core.requirement import RequirementSet

FOLDER = Path(__file__).parents[3] / ".cache" / "requirements"
KNOWN: dict[str, dict[str, Any]] = (
    json.loads((FOLDER / "expected.json").read_text())["documents"] if (FOLDER / "expected.json").is_file() else {}
)
NAMES = sorted(KNOWN) or [pytest.param("", marks=pytest.mark.skip("the collection (.cache/requirements) is not here"))]


@cache
def found_in(name: str) -> RequirementSet:
    """What is read of one document."""
    return read_document(document_at(FOLDER / name))


def spoken(found: RequirementSet) -> str:
    """Everything that was read, white space collapsed."""
    return " ".join(re.sub(r"\\[ntr]", " ", found.model_dump_json()).replace('\\"', '"').replace("\\\\", "\\").split())


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_lost(name: str) -> None:
    """Every text that has to be found is found, as it stands in the file."""
    everything = spoken(found_in(name))

    assert [text for text in KNOWN[name]["must_contain"] if " ".join(text.split()) not in everything] == []


@pytest.mark.parametrize("name", NAMES)
def test_requirements_are_counted_and_named(name: str) -> None:
    """There are as many requirements as in the file, with its ids and in its order."""
    known, found = KNOWN[name], found_in(name)
    ids = [str(one.id) for one in found.requirements]

    assert known["requirement_count"] in {None, len(ids)}
    order = [one for one in known["document_order"] if one in ids] if "document_order" in known else known["ids"]
    assert order in (None, ids)
    assert found.requirements
    assert all(one.source.line > 0 for one in found.requirements)


@pytest.mark.parametrize("name", NAMES)
def test_priorities_states_and_dependencies_survive(name: str) -> None:
    """What a file says of priorities, agents, dependencies and what is done is in its requirements or their notes."""
    known, found = KNOWN[name], found_in(name)
    by_id = {str(one.id): one for one in found.requirements}
    said = dict[str, Any](found.notes).get("requirements", {})

    for one, priority in known["priorities"].items():
        assert by_id[one].priority == priority
    for one, agents in known.get("suggested_agents", {}).items():
        assert list(by_id[one].agents) == agents
    for one, waits in known["dependencies"].items():
        elsewhere = said.get(one, {}).get("depends_on_elsewhere", [])
        assert {*map(str, by_id[one].depends_on), *map(str, elsewhere)} == set(map(str, waits)), one
    if known["dependencies"]:
        assert {str(one.id) for one in found.requirements if one.depends_on} <= set(known["dependencies"])
    counts: dict[str, int] = known.get("criteria_counts") or known.get("scenario_counts") or {}
    for one, number in counts.items():
        named = next(each for each in found.requirements if one in {each.id, each.title})
        assert len(named.acceptance) == number, one
    for one, title in known.get("titles", {}).items():
        assert by_id[one].title == title


@pytest.mark.parametrize("name", NAMES)
def test_what_is_done_is_done(name: str) -> None:
    """A tick, of a requirement or of a part of it, is kept."""
    known, found = KNOWN[name], found_in(name)
    states = {one: state for one, state in known.get("statuses", {}).items() if state in {"done", "open"}}
    done = {str(one.id): one.done for one in found.requirements}
    notes: dict[str, Any] = dict(found.notes)
    for note in notes.get("requirements", {}).values():
        done |= {str(one["id"]): bool(one["done"]) for one in note.get("subtasks", ()) if "id" in one}

    assert {one: done[one] for one in states} == {one: state == "done" for one, state in states.items()}
    if "all" in known.get("statuses", {}):
        assert all(done.values())


@pytest.mark.parametrize("name", [name for name in NAMES if "user_stories" in KNOWN.get(str(name), {})])
def test_stories_are_notes(name: str) -> None:
    """Stories beside the requirements are kept with their priorities and each of their scenarios."""
    known, notes = KNOWN[name], dict[str, Any](found_in(name).notes)

    counted = [len(one["acceptance"]) for one in notes["user_stories"]]
    assert counted == list(known["acceptance_scenarios"].values())
    assert [one["priority"] for one in notes["user_stories"]] == list(known["story_priorities"].values())


@pytest.mark.parametrize("name", NAMES)
def test_other_statements_are_notes(name: str) -> None:
    """Entities, assumptions and glossaries are kept, each statement on its own."""
    known, notes = KNOWN[name], dict[str, Any](found_in(name).notes)
    headings = {"key entities": "Key Entities", "assumptions": "Assumptions", "glossary terms": "Glossary"}

    for key, number in known.get("other_statements", {}).items():
        if key in headings and not name.endswith(".yaml"):
            assert len(next(value for under, value in notes.items() if under.endswith(headings[key]))) == number
