"""What is read of spec-kit, Kiro, OpenSpec and other Markdown."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.core.formats.samples import (
    DELTA,
    KIRO,
    KIRO_TASKS,
    MARKDOWN,
    OPENSPEC,
    PRD,
    PRD_WITH_IDS,
    SPEC,
    TASKS,
)

from prefect_swarm.core.document import Report
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.formats.registry import format_of
from prefect_swarm.core.reading import read_document, read_requirements
from prefect_swarm.core.requirement import Requirement, RequirementSet, TextCriterion


def read(text: str, name: str = "a.md") -> RequirementSet:
    """Read a Markdown text."""
    return read_requirements(text.encode(), name)


def folder(files: Mapping[str, str]) -> RequirementSet:
    """Read a folder of Markdown files."""
    contents = {name: text.encode() for name, text in sorted(files.items())}
    return read_document(Document("garden", contents, folder=True))


def ids(found: RequirementSet) -> list[str]:
    """The ids in their order."""
    return [str(one.id) for one in found.requirements]


def criteria(one: Requirement) -> list[str]:
    """The criteria in words."""
    return [each.text for each in one.acceptance if isinstance(each, TextCriterion)]


def said(found: RequirementSet) -> dict[str, Any]:
    """What is noted of each requirement."""
    return dict[str, Any](found.notes).get("requirements", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SPEC, "spec-kit"),
        (TASKS, "spec-kit"),
        (KIRO, "kiro"),
        (KIRO_TASKS, "kiro"),
        (OPENSPEC, "openspec"),
        (DELTA, "openspec"),
        (PRD, "markdown"),
        (PRD_WITH_IDS, "markdown"),
    ],
)
@pytest.mark.parametrize("name", ["a.md", "tasks.md", "spec.md", "notes.txt"])
def test_formats_are_recognised_by_content(text: str, expected: str, name: str) -> None:
    """A document is read in the format that it is written in, whatever it is called."""
    assert format_of(Document.of(text.encode(), name), Report(name)).name == expected


def test_spec_kit_states_functional_requirements() -> None:
    """The FRs are the requirements, with their wrapped texts and their ids as they stand."""
    found = read(SPEC)

    assert found.project.name == "Seed Library"
    assert ids(found) == ["FR-001", "FR-002", "FR-004a"]
    first = found.requirements[0]
    assert first.title == "The library MUST lend a packet to a member, one packet at a time."
    assert (first.source.line, first.source.column) == (36, 1)
    assert "- by letter" in found.requirements[1].description
    assert found.requirements[2].title == "Members MUST see {{ what }} they hold."


def test_spec_kit_keeps_stories_and_all_else() -> None:
    """Stories with priority and scenarios, entities and success criteria are notes; what is unclear is a warning."""
    found = read(SPEC)
    notes = dict[str, Any](found.notes)

    assert [(one["priority"], len(one["acceptance"])) for one in notes["user_stories"]] == [("P1", 2), ("P3", 1)]
    assert len(notes["Requirements / Key Entities"]) == 2
    assert notes["Success Criteria"] == ["**SC-001**: A packet is lent within 20 seconds."]
    assert notes["Assumptions"] == ["FR-001's reader hangs beside the door."]
    assert any("a.md:38:51: this needs clarification" in one for one in found.warnings)


def test_spec_kit_without_requirements_states_stories() -> None:
    """Where there are no FRs, the stories are the requirements, with their priorities and scenarios."""
    text = SPEC[: SPEC.index("### Functional")] + SPEC[SPEC.index("### Key") :]
    found = read(text)

    assert ids(found) == ["US1", "US2"]
    assert [one.priority.value for one in found.requirements] == ["high", "low"]
    assert criteria(found.requirements[0])[0].startswith("**Given** a packet on the shelf")


def test_spec_kit_tasks_depend_only_where_they_say_so() -> None:
    """A task waits for what it names as such, ranges too; phases order nothing, and a mention is no dependency."""
    found = read(TASKS)

    assert ids(found) == ["T001", "T002", "T003", "T004", "T005"]
    assert [list(one.depends_on) for one in found.requirements] == [
        [],
        ["T001"],
        ["T001", "T002"],
        ["T001", "T002", "T003"],
        [],
    ]
    assert [one.done for one in found.requirements] == [True, True, False, False, False]
    assert said(found)["T003"] == {"marks": ["P", "US1"]}
    assert said(found)["T005"]["depends_on_elsewhere"] == ["T099"]
    assert found.requirements[2].category == "Phase 2: User Story 1 - Borrow a packet (Priority: P1)"


def test_kiro_requirements_keep_numbers_stories_and_criteria() -> None:
    """Numbers are ids in the order of the file; each EARS sentence is a criterion."""
    found = read(KIRO)

    assert ids(found) == ["1", "3", "2.1"]
    assert [len(one.acceptance) for one in found.requirements] == [2, 1, 0]
    assert (
        criteria(found.requirements[0])[1]
        == "IF the motor is stuck, THEN THE Window_Motor SHALL ring the bell\nand try again"
    )
    assert found.requirements[1].title.startswith("As a gardener, I want windows to close in the rain")
    assert found.requirements[2].priority.value == "high"
    assert len(list(dict[str, Any](found.notes)["Glossary"])) == 2


def test_kiro_tasks_hold_their_subtasks() -> None:
    """Subtasks are criteria, nested or numbered; their ticks, stars and references are kept beside them."""
    found = read(KIRO_TASKS)
    first, second = said(found)["1"]["subtasks"], said(found)["2"]["subtasks"]

    assert ids(found) == ["1", "2", "3"]
    assert [one.done for one in found.requirements] == [True, False, False]
    assert [(one["id"], one["done"], one["requirements"]) for one in first] == [
        ("1.1", True, ["1.1", "1.2"]),
        ("1.2", False, ["2.1"]),
    ]
    assert [one.get("optional", False) for one in second] == [False, True]
    assert criteria(found.requirements[1]) == ["2.1 Drill holes", "2.2 Write tests for the motor"]
    assert list(found.requirements[2].depends_on) == ["1", "2"]
    assert any("1.2 is open, though the task it belongs to is ticked" in one for one in found.warnings)


def test_openspec_scenarios_are_criteria() -> None:
    """A requirement is a heading, its scenarios are its criteria, and the purpose is a note."""
    found = read(OPENSPEC)

    assert [one.title for one in found.requirements] == ["Water at dawn", "Count the water"]
    assert [len(one.acceptance) for one in found.requirements] == [2, 1]
    assert criteria(found.requirements[0])[0].startswith("A dry bed\n\n- **WHEN** the sun rises")
    assert found.notes["Purpose"] == ["Beds are watered."]


def test_openspec_changes_say_what_is_to_be_done() -> None:
    """What a change adds and removes is a requirement that says which; what it renames is a note."""
    found = read(DELTA)

    assert [one.title for one in found.requirements] == ["Water at dusk", "Water at noon"]
    assert [said(found)[one]["change"] for one in ids(found)] == ["added", "removed"]
    assert found.requirements[1].description.startswith("This requirement is to be removed.")
    assert len(list(dict[str, Any](found.notes)["RENAMED Requirements"])) == 2


def test_a_folder_of_a_change_is_one_document() -> None:
    """Of a change all specifications are read; proposal and tasks are notes, and positions name their file."""
    found = folder(
        {
            "proposal.md": "## Why\n\nDry beds.\n\n## What Changes\n\n- Water at dusk\n",
            "specs/watering/spec.md": DELTA,
            "specs/metering/spec.md": OPENSPEC,
            "tasks.md": "## 1. Work\n\n- [x] 1.1 Lay pipes\n- [ ] 1.2 Open the tap\n",
            "archive/old/specs/x/spec.md": OPENSPEC,
        }
    )

    assert [one.category for one in found.requirements] == ["metering", "metering", "watering", "watering"]
    assert found.requirements[2].source.file == "garden/specs/watering/spec.md"
    assert found.requirements[2].source.line == 3
    tasks = dict[str, Any](found.notes)["tasks"]
    assert [(one["id"], one["done"]) for one in tasks] == [("1.1", True), ("1.2", False)]
    assert any("garden/tasks.md:3:1: 2 tasks kept as notes" in one for one in found.warnings)


def test_a_folder_of_kiro_is_one_document() -> None:
    """Requirements are read before tasks, which are notes, as is the design."""
    found = folder({"requirements.md": KIRO, "tasks.md": KIRO_TASKS, "design.md": "# Design\n\nWood."})

    assert ids(found) == ["1", "3", "2.1"]
    assert len(list(dict[str, Any](found.notes)["tasks"])) == 3
    assert found.notes["files"] == {"design.md": "# Design\n\nWood."}


def test_a_prd_is_read_by_its_headings() -> None:
    """Features, stories and rows below headings that promise them are requirements, with tick and criteria."""
    found = read(PRD)

    assert found.project.name == "Compost"
    assert [(one.title, one.priority.value, one.done) for one in found.requirements] == [
        ("Turning: the heap is turned every week", "critical", False),
        ("Weighing the heap (P0)", "critical", True),
        ("A lid", "medium", False),
        ("As a neighbour, I want no smell, so that I can sit outside.", "medium", False),
        ("Emptying the bin", "medium", False),
        ("Sieve", "high", False),
    ]
    assert criteria(found.requirements[4]) == ["The bin is empty", "The lid is closed"]
    assert found.notes["Non-goals"] == ["Worms"]
    assert any("the requirements have no ids" in one for one in found.warnings)


def test_ids_in_a_prd_win() -> None:
    """Where things have ids, these are the requirements, stated by headings, paragraphs or rows."""
    found = read(PRD_WITH_IDS)

    assert ids(found) == ["FR-1", "REQ-7", "NFR-2"]
    assert len(found.requirements[0].acceptance) == 2
    assert found.requirements[1].priority.value == "high"
    assert "Honey is weighed" in found.requirements[1].description
    assert list(found.requirements[2].depends_on) == ["FR-1"]
    assert said(found)["NFR-2"]["depends_on_elsewhere"] == ["FR-9"]
    assert found.notes["Acceptance Criteria"] == ["AC-1: A jar is full"]


def test_an_id_that_stands_twice_is_told_and_changed() -> None:
    """Other tools' documents name things twice; both are kept, and the warning says which is called how."""
    found = read("## Features\n\n- FR-1: Eat\n- FR-1: Drink\n- FR-2: Sleep\n")

    assert ids(found) == ["FR-1", "FR-1-2", "FR-2"]
    assert found.warnings == ("a.md:4:1: FR-1 stands twice, first at a.md:3:1; here it is FR-1-2",)


def test_prose_without_requirements_is_refused() -> None:
    """A document that asks for nothing is refused, saying what could be written."""
    with pytest.raises(RequirementError, match=r"a\.md:1:1: no requirements; write a list below a heading"):
        read("# A poem\n\nRoses are red.\n")


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
@pytest.mark.parametrize("name", list(MARKDOWN))
def test_line_ends_make_no_difference(name: str, newline: str) -> None:
    """A file with the line ends of another system gives the same requirements at the same places."""
    text = MARKDOWN[name]

    one, other = read(text), read(text.replace("\n", newline))

    assert one == other


@pytest.mark.parametrize("name", list(MARKDOWN))
def test_every_word_survives(name: str) -> None:
    """No word of a document is lost, but for those that only say what follows, or how much it matters."""
    text = MARKDOWN[name]
    everything = read(text).model_dump_json().replace("\\n", " ")
    words = {word.strip("*#:`,.()") for word in text.split()}
    structure = {
        "ADDED",
        "Acceptance",
        "Criteria",
        "Depends",
        "Document",
        "Feature",
        "Implementation",
        "Plan",
        "Product",
    }
    structure |= {
        "REMOVED",
        "Requirement",
        "Requirements",
        "Scenario",
        "Scenarios",
        "Specification",
        "Tasks",
        "mandatory",
    }

    assert {word for word in words if word.isalpha() and word not in everything} <= {
        *structure,
        "PRD",
        "on",
        "ID",
        "Should",
    }
