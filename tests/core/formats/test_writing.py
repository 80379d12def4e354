"""What is written in our own format is read again as the same requirements."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from tests.core.formats.samples import MARKDOWN
from tests.trials import trials

from prefect_swarm.core.formats.writing import native_document, native_json, native_yaml
from prefect_swarm.core.ids import AgentName, RequirementId
from prefect_swarm.core.reading import read_requirements
from prefect_swarm.core.requirement import (
    Budget,
    ContainsCheck,
    FileCheck,
    Priority,
    Project,
    Requirement,
    RequirementSet,
    RunCheck,
    Source,
    TextCriterion,
)

ODD = [
    *(
        "no",
        "~",
        "null",
        "12:30",
        "1e5",
        "0o17",
        "- a",
        "a: b",
        "# x",
        "{{ x }}",
        " x",
        "x ",
        "a\n b\n",
        "\ttab",
        "'",
        '"',
    ),
    *("\u2028", "\x7f", "é😀", "a\r\nb", "|", ">", "%", "@", "<<", "=", "yes\n\n\nno", "\ufeffx", "1.10", "&a", "*b"),
]
TEXTS = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60),
).filter(lambda text: bool(text.strip()))
WORDS = st.text("abcXYZ09_ é", min_size=1, max_size=12).map(str.strip).filter(bool)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**17), 10**17), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
NOTES: st.SearchStrategy[JsonValue] = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
CRITERIA = st.one_of(
    TEXTS.map(lambda text: TextCriterion(text=text)),
    WORDS.map(lambda path: FileCheck(path=path)),
    st.builds(ContainsCheck, file=WORDS, text=TEXTS),
    st.builds(
        RunCheck,
        argv=st.lists(TEXTS, min_size=1, max_size=3).map(tuple),
        exit_code=st.integers(0, 255),
        timeout=st.floats(0.001, 1e6),
    ),
)


@st.composite
def sets(draw: st.DrawFn) -> RequirementSet:
    """Any set of requirements that our format can say."""
    names = draw(st.lists(st.integers(1, 999), min_size=1, max_size=5, unique=True))
    requirements: list[Requirement] = []
    for at, number in enumerate(names):
        earlier = [one.id for one in requirements]
        title = draw(TEXTS)
        requirements.append(
            Requirement(
                id=RequirementId(f"R-{number}"),
                title=title,
                description=draw(st.one_of(st.just(title), TEXTS)),
                priority=draw(st.sampled_from(Priority)),
                depends_on=tuple(draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else ()),
                agents=tuple(AgentName(name) for name in draw(st.lists(WORDS, max_size=2, unique=True))),
                acceptance=tuple(draw(st.lists(CRITERIA, max_size=3))),
                effort=draw(st.one_of(st.none(), st.floats(0.01, 1000), st.integers(1, 100).map(float))),
                budget=draw(st.one_of(st.none(), st.builds(Budget, usd=st.floats(0.01, 99), minutes=st.none()))),
                category=draw(st.one_of(st.just(""), TEXTS.map(str.strip))),
                done=draw(st.booleans()),
                source=Source(file="a", line=at + 1, column=1),
            )
        )
    project = Project(name=draw(TEXTS).strip(), type=draw(st.sampled_from(["", "library"])), team=("design",))
    notes = draw(st.dictionaries(TEXTS, NOTES, max_size=4))
    return RequirementSet(project=project, requirements=tuple(requirements), notes=notes)


def meaning(found: RequirementSet) -> Any:
    """A set without the places that it was read from."""
    return found.model_dump(mode="json", exclude={"warnings": True, "requirements": {"__all__": {"source"}}})


@settings(max_examples=trials(25, chaos=5000), deadline=None)
@given(sets())
def test_writing_and_reading_is_the_same(found: RequirementSet) -> None:
    """Requirements and notes survive our own format to the letter, as YAML and as JSON."""
    as_yaml = read_requirements(native_yaml(found).encode(), "a.yaml")
    as_json = read_requirements(native_json(found).encode(), "a.json")

    assert meaning(as_yaml) == meaning(found)
    assert meaning(as_json) == meaning(found)


@pytest.mark.parametrize("name", list(MARKDOWN))
def test_imported_documents_survive(name: str) -> None:
    """What was imported reads the same once it is converted, and converting it again changes nothing."""
    found = read_requirements(MARKDOWN[name].encode(), name)

    once = native_yaml(found)
    again = read_requirements(once.encode(), "a.yaml")

    assert meaning(again) == meaning(found)
    assert native_yaml(again) == once
    assert again.warnings == ()


def test_every_requirement_has_every_key_in_json() -> None:
    """Scripts find every key in every requirement, and where it came from."""
    found = read_requirements(b"- Users can log in", "a.yaml")
    document: Any = json.loads(native_json(found))

    assert document == native_document(found)
    assert document["requirements"] == [
        {
            "id": "REQ-001",
            "title": "Users can log in",
            "description": "Users can log in",
            "priority": "medium",
            "depends_on": [],
            "acceptance": [],
            "agents": [],
            "effort": None,
            "budget": None,
            "category": "",
            "done": False,
            "source": {"file": "a.yaml", "line": 1},
        }
    ]
    assert document["notes"] == {}
