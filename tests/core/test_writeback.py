"""Ids and done-marks put into files: what changes, what stays byte for byte, and what is refused."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.formats import exports
from tests.trials import trials

from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.reading import read_document
from prefect_swarm.core.writeback import Changed, with_done, with_ids

OURS = """\
# what we want
features:
  shop:
    - Users can log in   # why
    - title: "Orders"  \t
      priority: high
    - >-
      Folded text
      over lines

      and more
    - plain text
      over two
  flow: [one, "two", {title: three}]
requirements:
  A-1: Passwords are reset
  A-2:
    # first
    title: Twelve
    status: "in_progress"  # state
  A-3: {title: x, done: false}
"""
BOXES = """\
# Tasks

- [ ] 1. Lay the keel
  - [ ] 1.1 Fell an oak
  - [X] 1.2 Trim it
- [X] 2. Raise the mast
- [ ] 3. Sew [ ] sails
"""


def document(text: str, name: str, encoding: str = "utf-8") -> Document:
    """A file of that text."""
    return Document.of(text.encode(encoding), name)


def finished(file: Document, *ids: str) -> Changed:
    """Mark requirements, all of them where none is named, as done since they were planned from the same file."""
    planned = read_document(file).requirements
    return with_done(file, planned, {one.id for one in planned if not ids or one.id in ids})


def only(changed: Changed) -> bytes:
    """The only file that changes."""
    (content,) = changed.files.values()
    return content


def added(old: bytes, new: bytes) -> bool:
    """Whether nothing of the old bytes is missing in the new ones."""
    rest = iter(new)
    return all(byte in rest for byte in old)


def test_ids_are_added_where_they_are_missing() -> None:
    """Each requirement without an id gets its own as a key; nothing else of the file changes."""
    file = document(OURS, "boat.yaml")
    before = read_document(file)
    changed = with_ids(file)
    after = read_document(Document.of(only(changed), "boat.yaml"))

    assert [one.id for one in after.requirements] == [one.id for one in before.requirements]
    assert [one.description for one in after.requirements] == [one.description for one in before.requirements]
    assert added(file.content, only(changed))
    assert '    - id: REQ-002\n      title: "Orders"  \t\n' in only(changed).decode()
    assert '[{id: REQ-005, title: one}, {"id": "REQ-006", "title": "two"}' in only(changed).decode()
    assert not with_ids(Document.of(only(changed), "boat.yaml")).files


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_done_marks_in_our_format(newline: str, encoding: str) -> None:
    """Marks keep line ends, byte order mark and encoding; a status that stands there is turned, quotes kept."""
    file = Document.of(OURS.replace("\n", newline).encode(encoding), "boat.yaml")
    changed = finished(file)
    text = only(changed).decode(encoding)

    assert all(one.done for one in read_document(Document.of(only(changed), "boat.yaml")).requirements)
    assert f'status: "done"  # state{newline}' in text
    assert "A-3: {title: x, done: true}" in text
    assert text.count(newline) == text.count("\n")
    assert not finished(Document.of(only(changed), "boat.yaml")).files


def test_one_mark_is_one_edit() -> None:
    """A mark of one requirement touches that one only."""
    changed = finished(document(OURS, "boat.yaml"), "A-3")

    assert only(changed) == OURS.replace("done: false", "done: true").encode()
    assert changed.written == ("A-3",)


def test_done_marks_of_task_master() -> None:
    """The status of a task becomes done, in whichever tag it stands; that of its subtasks stays."""
    changed = finished(document(exports.TASKS, "tasks.json"), "2", "harbour/2")
    old, new = json.loads(exports.TASKS), json.loads(only(changed))

    old["master"]["tasks"][1]["status"] = "done"
    old["harbour"]["tasks"][1]["status"] = "done"
    assert new == old
    assert len(only(changed)) == len(exports.TASKS.encode()) - 2 * len("pending") + 2 * len("done")


def test_a_task_without_status_gets_one() -> None:
    """A key that is missing is added as JSON has it, in the layout of the file."""
    text = '{"tasks": [\n  {\n    "id": 1,\n    "title": "a",\n    "details": "b"\n  }\n]}'

    assert only(finished(document(text, "tasks.json"))).decode() == text.replace(
        '"id": 1,', '"status": "done",\n    "id": 1,'
    )


def test_boxes_are_ticked_as_the_file_ticks() -> None:
    """A box gets the sign that the file uses; boxes of subtasks and brackets in texts stay as they are."""
    file = Document(
        "change", {"tasks.md": BOXES.encode(), "proposal.md": b"# Proposal\n\n## Why\n\nBoats.\n"}, folder=True
    )
    single = document(BOXES, ".kiro/specs/boat/tasks.md")

    for one in (file, single):
        done = [each.id for each in read_document(one).requirements if each.title.startswith("Sew")]
        assert only(finished(one, *done)).decode() == BOXES.replace("[ ] 3.", "[X] 3.")


def test_changed_requirements_are_not_marked() -> None:
    """What is gone, or says something else than when it was planned, is told and not marked."""
    planned = read_document(document(OURS, "boat.yaml")).requirements
    now = document(OURS.replace("Twelve", "Thirteen").replace("A-3", "A-4"), "boat.yaml")
    changed = with_done(now, planned, {one.id for one in planned if one.id in {"A-1", "A-2", "A-3"}})

    assert changed.written == ("A-1",)
    assert "something else" in changed.refused[planned[-2].id]
    assert "not in the file any more" in changed.refused[planned[-1].id]


def test_what_cannot_be_written_is_refused_alone() -> None:
    """A requirement that shares its text through an alias cannot get an id; the others do."""
    file = document("a: &a {title: x}\nrequirements: [*a, b]\n".replace("a: &a", "metadata: &a"), "boat.yaml")
    changed = with_ids(file)

    assert changed.written == ("REQ-002",)
    assert "write it by hand" in changed.refused[read_document(file).requirements[0].id]


@pytest.mark.parametrize(("name", "text"), [("boat.csv", exports.CSV), ("tasks.md", f"---\na: b\n---\n\n{BOXES}")])
def test_ids_go_into_our_format_only(name: str, text: str) -> None:
    """Files of other tools keep the ids they have, whether or not they could be YAML."""
    changed = with_ids(document(text, name))

    assert not changed.files
    assert set(changed.refused.values()) == {"ids are written into YAML and JSON of our own format only"}


TEXTS = st.text(alphabet="ab ü€😀:#'\"-{}[]&*!|>%@,?", min_size=1, max_size=12).filter(str.strip)
STYLES = st.sampled_from(["plain", "double", "single", "literal", "folded", "mapping", "flow"])


def item(text: str, style: str, indent: str) -> str:
    """One requirement, written in one of the ways that YAML has."""
    word = re.sub(r"[^\wü€😀]", "", text) or "x"
    lines = {
        "plain": f"- {word} more\n{indent}  on this line # and why\n",
        "double": f"-  {json.dumps(text, ensure_ascii=False)}\n",
        "single": f"-   '{text.replace(chr(39), chr(39) * 2)}'   \n",
        "literal": f"- |+\n{indent}  {word}\n\n{indent}   deeper\n\n",
        "folded": f"- >2-\n{indent}  {word}\n{indent}  {word}\n",
        "mapping": f"- title: {json.dumps(text, ensure_ascii=False)} # said\n{indent}  status: 'todo'\n",
        "flow": f"- {{ title: {json.dumps(text, ensure_ascii=False)}, priority: high }}\n",
    }
    return indent + lines[style]


@settings(max_examples=trials(80, chaos=3000), deadline=None)
@given(
    st.lists(st.tuples(TEXTS, STYLES), min_size=1, max_size=5),
    st.sampled_from(["", "  ", "      "]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_every_other_byte_stays(items: list[tuple[str, str]], indent: str, newline: str, encoding: str) -> None:
    """However requirements are written, ids and marks are only added, and the file says what it said, and these."""
    text = "requirements:\n" + "".join(item(*one, indent) for one in items)
    file = Document.of(text.replace("\n", newline).encode(encoding), "boat.yaml")
    before = read_document(file).requirements
    identified = with_ids(file)
    named = Document.of(only(identified), "boat.yaml")
    marked = finished(named)
    after = read_document(Document.of(only(marked), "boat.yaml")).requirements

    assert not identified.refused
    assert not marked.refused
    assert added(file.content, only(identified))
    assert added(named.content.decode(encoding).replace("todo", "").encode(encoding), only(marked))
    assert [(one.id, one.title, one.description, one.priority, one.done) for one in after] == [
        (one.id, one.title, one.description, one.priority, True) for one in before
    ]
    assert only(marked)[:2] == file.content[:2]
