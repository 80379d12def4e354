"""What is read of the files of tools that keep requirements as data."""

import zipfile
from io import BytesIO
from typing import Any

import pytest
from tests.core.formats import exports

from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.reading import read_document, read_requirements
from prefect_swarm.core.requirement import Priority, RequirementSet, RunCheck, TextCriterion


def folder(files: dict[str, str], name: str = "reqs") -> RequirementSet:
    """Read a folder of texts."""
    return read_document(Document(name, {path: text.encode() for path, text in sorted(files.items())}, folder=True))


def notes_of(found: RequirementSet) -> Any:
    """The notes, to be looked into."""
    return found.model_dump(mode="json")["notes"]


def ids_of(found: RequirementSet) -> list[str]:
    """The ids in order."""
    return [str(one.id) for one in found.requirements]


def test_tasks_of_task_master() -> None:
    """Tasks are requirements with their priority, dependencies and done-mark; subtasks and tests stay theirs."""
    found = read_requirements(exports.TASKS.encode(), "tasks.json")
    one, two, three = found.requirements[:3]

    assert (one.title, one.priority, one.done) == ("Lay the keel", Priority.HIGH, True)
    assert one.description == "Oak.\n\nTwo planks."
    assert one.acceptance == (TextCriterion(text="It floats."),)
    assert (two.depends_on, three.depends_on) == (("1", "3"), ("1",))
    assert "- [x] 2.1 Fell a pine" in two.description
    assert [part["id"] for part in notes_of(found)["requirements"]["2"]["subtasks"]] == ["2.1", "2.2"]
    assert notes_of(found)["requirements"]["2"]["subtasks"][1]["dependencies"] == ["2.1"]


def test_tags_of_task_master() -> None:
    """Each tag is read; ids that an earlier tag has are told apart by the tag, and so are their dependencies."""
    found = read_requirements(exports.TASKS.encode(), "tasks.json")

    assert ids_of(found) == ["1", "2", "3", "harbour/1", "harbour/2"]
    assert found.requirements[-1].depends_on == ("harbour/1",)
    assert found.requirements[-1].category == "harbour"


def test_cancelled_work_is_a_note() -> None:
    """What nobody wants any more is not planned, but kept with the reason, and told."""
    found = read_requirements(exports.TASKS.encode(), "tasks.json")

    assert notes_of(found)["left_out"][0]["title"] == "Paint it pink"
    assert "its status is cancelled" in "".join(found.warnings)


def test_needs_of_the_current_version() -> None:
    """Needs of the current version are read in their order; other versions are told of."""
    found = read_requirements(exports.NEEDS.encode(), "needs.json")

    assert ids_of(found) == ["R_1", "R_2", "R_3"]
    assert [one.category for one in found.requirements] == ["req", "spec", "test"]
    assert [one.done for one in found.requirements] == [False, False, True]
    assert found.requirements[0].description == "In salt water."
    assert found.project.name == "Boat"
    assert "version 1.0 are not read" in found.warnings[0]


def test_links_between_needs() -> None:
    """Links are dependencies; those out of the file and those that close a circle are notes."""
    found = read_requirements(exports.NEEDS.encode(), "needs.json")
    said = notes_of(found)["requirements"]

    assert [one.depends_on for one in found.requirements] == [(), ("R_1",), ("R_2",)]
    assert said["R_1"]["depends_on_elsewhere"] == ["EXT_9"]
    assert said["R_2"]["links_in_circles"] == ["R_3"]
    assert said["R_1"]["tags"] == ["hull"]
    assert "avatar" not in said["R_1"]


def test_nodes_of_strictdoc() -> None:
    """Nodes with statements are requirements; sections become categories, texts and comments notes."""
    found = read_requirements(exports.SDOC.encode(), "boat.sdoc")
    said = notes_of(found)["requirements"]

    assert ids_of(found) == ["BO-1", "BO-2", "BO-3"]
    assert found.requirements[0].description == "The boat shall float.\n\n[LINK: BO-2] is another matter."
    assert (found.requirements[0].priority, found.requirements[0].category) == (Priority.HIGH, "Hull")
    assert said["BO-1"]["COMMENT"] == "first\n\nsecond"
    assert said["BO-1"]["relations"][0] == {"TYPE": "Parent", "VALUE": "SYS-1", "ROLE": "Refines"}
    assert said["BO-3"]["within"] == "BO-2"
    assert [one["id"] for one in notes_of(found)["left_out"]] == ["BO-4"]
    assert notes_of(found)["informative"][0]["text"] == "All about a boat."
    assert found.requirements[0].source.line == 21


def test_older_strictdoc() -> None:
    """Single brackets, FREETEXT, REFS and COMPOSITE_REQUIREMENT of earlier versions are read as well."""
    found = read_requirements(exports.OLD_SDOC.replace("\n", "\r\n").encode(), "crew.sdoc")

    assert ids_of(found) == ["C-1", "C-2"]
    assert notes_of(found)["requirements"]["C-2"]["relations"] == [{"TYPE": "Parent", "VALUE": "C-1"}]
    assert notes_of(found)["informative"][0]["text"] == "Before all."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[DOCUMENT]\nTITLE: x\n\n[REQUIREMENT]\nSTATEMENT: >>>\nno end\n", "boat.sdoc:5:1: the text that begins here"),
        ("[DOCUMENT]\nTITLE: x\n\n[REQUIREMENT]\nhello there\n", "boat.sdoc:5:1: 'hello there' is neither a field"),
        ("[DOCUMENT]\nTITLE: x\n\n[[SECTION]]\nTITLE: y\n", "boat.sdoc:4:1: SECTION is opened here and never closed"),
        ("[DOCUMENT]\nTITLE: x\n\n[[/SECTION]]\n", "boat.sdoc:4:1: SECTION is closed here and was not opened"),
    ],
)
def test_broken_strictdoc(text: str, told: str) -> None:
    """What is wrong with a document of StrictDoc is told with its place."""
    with pytest.raises(RequirementError) as caught:
        read_requirements(text.encode(), "boat.sdoc")

    assert told in str(caught.value)


def test_objects_of_reqif() -> None:
    """Objects are read in the order of the hierarchy, with readable ids, texts, values and relations."""
    found = read_requirements(exports.REQIF.encode(), "boat.reqif")
    one, two = found.requirements
    said = notes_of(found)["requirements"]

    assert ids_of(found) == ["B-1", "B-2"]
    assert (one.priority, one.category, one.description) == (Priority.HIGH, "Hull", "The boat shall float.")
    assert two.description == "The boat shall steer:\n- left\n- right & back"
    assert two.depends_on == ("B-1",)
    assert said["B-1"]["relations"] == [{"type": "satisfies", "to": "B-2"}]
    assert said["B-2"]["Rationale"] == "Rocks."
    assert notes_of(found)["informative"][0]["title"] == "Hull"


def test_archive_of_reqif() -> None:
    """A .reqifz is unpacked in memory, at most as far as a file may be large."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("boat.reqif", exports.REQIF)
    bomb = BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("boat.reqif", b" " * 50_000_000)

    assert ids_of(read_requirements(packed.getvalue(), "boat.reqifz")) == ["B-1", "B-2"]
    with pytest.raises(RequirementError, match="larger than 8388608 bytes"):
        read_requirements(bomb.getvalue(), "boat.reqifz")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ('<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]>', "a document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd">', "a document type"),
        ('<?xml version="1.0" encoding="koi8-r"?>', "the encoding koi8-r is not read"),
        ("<a>" * 100, "nested deeper than 64 levels"),
        ("<a>&lt;&nbsp;", "undefined entity"),
    ],
)
def test_hostile_markup(head: str, told: str) -> None:
    """Document types, and with them entities, are refused unread; so is what nests too deep."""
    with pytest.raises(RequirementError) as caught:
        read_requirements(f"{head}<REQ-IF>".encode(), "boat.reqif")

    assert told in str(caught.value)


def test_items_of_doorstop() -> None:
    """Items stand in the order of their levels; headings, inactive items and documents inside are no requirements."""
    found = folder(exports.DOORSTOP)
    said = notes_of(found)["requirements"]

    assert ids_of(found) == ["BO-004", "BO-001", "BO-010"]
    assert [one.title for one in found.requirements] == ["Dry", "Float", "Last of all."]
    assert found.requirements[0].description == "It shall be dry."
    assert {one.category for one in found.requirements} == {"Hull"}
    assert (said["BO-001"]["links"], said["BO-001"]["owner"]) == (["SYS-1"], "me")
    assert [one["reason"] for one in notes_of(found)["left_out"]] == ["it is not active"]
    assert found.requirements[1].source.file == "reqs/BO-001.yml"
    assert any("inner is a document of its own" in one for one in found.warnings)


def test_unquoted_levels_are_numbers() -> None:
    """An unquoted 1.10 is 1.1, as Doorstop reads it."""
    files = {
        ".doorstop.yml": "settings: {prefix: A}",
        "A1.yml": "level: 1.10\ntext: one",
        "A2.yml": "level: 1.2\ntext: two",
    }

    assert ids_of(folder(files)) == ["A1", "A2"]


def test_problems_in_several_files() -> None:
    """What is wrong in the files of a folder is told for all of them, each with its name."""
    files = {".doorstop.yml": "settings: {prefix: A}", "A1.yml": "- text", "A2.yml": "text: [", "A3.yml": "text: fine"}

    with pytest.raises(RequirementError) as caught:
        folder(files)

    assert "reqs/A1.yml:1:1: an item of Doorstop is a mapping" in str(caught.value)
    assert "reqs/A2.yml:1:" in str(caught.value)


def test_rows_of_a_table() -> None:
    """Rows below the names of the columns are requirements; other columns are notes."""
    found = read_requirements(exports.CSV.encode(), "boat.csv")
    one, two = found.requirements[:2]

    assert ids_of(found)[:2] == ["B-1", "B-2"]
    assert one.description == 'It shall "float",\nin salt water'
    assert [(each.priority, each.done) for each in (one, two)] == [(Priority.HIGH, False), (Priority.LOW, True)]
    assert [each.text for each in one.acceptance if isinstance(each, TextCriterion)] == ["stays up", "stays dry"]
    assert two.depends_on == ("B-1",)
    assert notes_of(found)["requirements"]["B-2"]["depends_on_elsewhere"] == ["B-9"]
    assert notes_of(found)["requirements"]["B-1"]["Owner"] == "Ann"
    assert notes_of(found)["before_table"] == ["Boat requirements"]
    assert [(each.source.line, each.source.column) for each in (one, two)] == [(3, 1), (6, 1)]
    assert notes_of(found)["left_out"][0]["id"] == "B-3"


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_tables_of_spreadsheets(separator: str, encoding: str) -> None:
    """Whatever sign separates the cells and however the spreadsheet encodes them, names in any case and order."""
    rows = (("TITLE", "Requirement id", "user STORY"), ("Größe", "A1", "As a fish, I swim; fast"))
    text = "\r\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)

    found = read_requirements(text.encode(encoding), "boat.csv")

    assert [(str(one.id), one.title, one.description) for one in found.requirements] == [
        ("A1", "Größe", "As a fish, I swim; fast")
    ]


def test_headings_among_rows() -> None:
    """Rows that their type calls a heading or information are notes."""
    text = "ID,Type,Text\n1,Heading,Hull\n2,Requirement,It floats\n3,Information,Boats are nice\n"
    found = read_requirements(text.encode(), "boat.csv")

    assert ids_of(found) == ["2"]
    assert [one["text"] for one in notes_of(found)["informative"]] == ["Hull", "Boats are nice"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "boat.csv:1:1: no table of requirements"),
        ('id,text\n1,"open\n', "boat.csv:2:3: a quote is opened here and never closed"),
    ],
)
def test_broken_tables(text: str, told: str) -> None:
    """What is wrong with a table is told with its place."""
    with pytest.raises(RequirementError) as caught:
        read_requirements(text.encode(), "boat.csv")

    assert told in str(caught.value)


def test_ids_that_stand_twice() -> None:
    """Of two rows with one id both are read, the second under another id, and that is told."""
    found = read_requirements(b"id,text\n1,a\n1,b\n", "boat.csv")

    assert ids_of(found) == ["1", "1-2"]
    assert "boat.csv:3:1: 1 stands twice" in found.warnings[0]


def test_toml_is_our_format_too() -> None:
    """TOML is read as YAML is, with the place of each table and value."""
    found = read_requirements(exports.TOML.encode(), "boat.toml")
    one, two = found.requirements

    assert (str(one.id), one.priority, one.acceptance) == ("B-1", Priority.HIGH, (RunCheck(argv=("pytest", "-q")),))
    assert (two.description, two.depends_on, two.done) == ("It shall\nsteer", ("B-1",), True)
    assert [(each.source.line, each.source.column) for each in (one, two)] == [(6, 1), (12, 1)]
    assert found.notes["constraints"] == ["no lead"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("requirements = [", "boat.toml:1:17: not TOML: Invalid value"),
        ('requirements = ["a"]\nrequirements = ["b"]', "boat.toml:2:21: not TOML: Cannot overwrite a value"),
        ('[[requirements]]\ntitle = "a"\n  priority = "hihg"', "boat.toml:3:14: 'hihg' is no priority"),
        ("a" + ".a" * 5000 + " = 1", "a key of more than 64 parts"),
        ("a = " + "[" * 5000, "not readable TOML"),
        ("a = " + "9" * 5000, "not readable TOML"),
    ],
)
def test_broken_toml(text: str, told: str) -> None:
    """What is wrong with TOML is told with its place, in words of our own."""
    with pytest.raises(RequirementError) as caught:
        read_requirements(text.encode(), "boat.toml")

    assert told in str(caught.value)
