"""What changes in a file when ids or done-marks are put into it: edits, proved by reading the changed file again."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from prefect_swarm.core.document import Mark, Node, Report
from prefect_swarm.core.edits import Edit, Script, apply_edits
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.interface import Document, Format
from prefect_swarm.core.formats.native import drafts_of
from prefect_swarm.core.formats.registry import format_named, format_of
from prefect_swarm.core.formats.taskmaster import tasks_of
from prefect_swarm.core.ids import RequirementId
from prefect_swarm.core.insertions import Writer
from prefect_swarm.core.requirement import Requirement, RequirementSet, Source

BOX = re.compile(r"[ \t>]*(?:[-*+]|\d+[.)])[ \t]+\[([^\]\w]?)\]")
TICKED = re.compile(r"^[ \t>]*(?:[-*+]|\d+[.)])[ \t]+\[([xX])\]", re.MULTILINE)
NATIVE, TASKS = "native", "task-master"
NO_ROOM = "it cannot be written there without changing anything else; write it by hand"
MOST_TRIED = 200
"""Requirements whose edits are tried one by one where not all of them can be made."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A document as it would be, and what that changes."""

    files: Mapping[str, bytes]
    """The new contents of the files that change, by their path in the document."""
    written: tuple[RequirementId, ...] = ()
    already: tuple[RequirementId, ...] = ()
    """What stands in the document as wanted."""
    refused: Mapping[RequirementId, str] = field(default_factory=dict[RequirementId, str])
    """What could not be written, with the reason."""


@dataclass(frozen=True, slots=True)
class Target:
    """A document and the format that it is written in."""

    document: Document
    form: Format

    @classmethod
    def of(cls, document: Document, written_as: str) -> "Target":
        """A document in the format that is named, else in the one that is recognised."""
        named = format_named(written_as) if written_as else format_of(document, Report(document.name))
        return cls(document, named)

    def read(self, files: Mapping[str, bytes] | None = None) -> RequirementSet:
        """Read the document, some of its files changed."""
        one = self.document
        content = {**one.files, **(files or {})}
        return self.form.read(Document(one.name, content, folder=one.folder), Report(one.name))


def with_ids(document: Document) -> Changed:
    """Put the ids that were assigned into a document of our own format, YAML or JSON.

    Raises RequirementError where the document cannot be read.
    """
    target = Target.of(document, "")
    found = target.read()
    ours = target.form.name == NATIVE and document.suffix != ".toml"
    root = document.parsed(Report(document.name)) if ours else None
    if root is None:
        reason = "ids are written into YAML and JSON of our own format only"
        return Changed({}, refused=dict.fromkeys((one.id for one in found.requirements), reason))
    writer = Writer.of(document.content, document.name)
    placed = zip(found.requirements, drafts_of(root), strict=True)
    bare = {one.id: node for one, (draft, node) in placed if draft.id is None}
    edits = {name: writer.insert(node, "id", name) for name, node in bare.items()}
    changed = _proved(target, found, {next(iter(document.files)): edits}, finishing=False)
    return replace(changed, already=tuple(one.id for one in found.requirements if one.id not in bare))


def with_done(
    document: Document, planned: Sequence[Requirement], done: Collection[RequirementId], *, written_as: str = ""
) -> Changed:
    """Mark requirements as done where they stand; `planned` are those that a run was planned from.

    A requirement that says something else than when it was planned, or is gone, is refused, not marked.
    """
    target = Target.of(document, written_as)
    found = target.read()
    now = {one.id: one for one in found.requirements}
    refused: dict[RequirementId, str] = {}
    already: list[RequirementId] = []
    wanted: list[Requirement] = []
    for one in planned:
        if one.id not in done:
            continue
        here = now.get(one.id)
        if here is None:
            refused[one.id] = "it is not in the file any more"
        elif (here.title, here.description, here.acceptance) != (one.title, one.description, one.acceptance):
            refused[one.id] = "it says something else than when the run was planned"
        elif here.done:
            already.append(one.id)
        else:
            wanted.append(here)
    edits = _done_edits(target, found, wanted)
    changed = _proved(target, found, edits, finishing=True)
    unplaced = (one.id for one in wanted if not any(one.id in by_id for by_id in edits.values()))
    refused |= dict.fromkeys(unplaced, NO_ROOM)
    return replace(changed, already=tuple(already), refused=refused | dict(changed.refused))


Edits = dict[str, dict[RequirementId, list[Edit]]]


def _done_edits(target: Target, found: RequirementSet, wanted: Sequence[Requirement]) -> Edits:
    """The edits that mark requirements as done, by file and requirement."""
    document, name = target.document, target.form.name
    if name in {NATIVE, TASKS} and not document.folder:
        return {next(iter(document.files)): dict(_keys(document, name, found, wanted))}
    edits: Edits = {}
    for one in wanted:
        path = _path_of(document, one.source.file)
        if path is not None:
            edits.setdefault(path, {})[one.id] = _ticked(_script(document, path), one.source)
    return edits


def _keys(
    document: Document, name: str, found: RequirementSet, wanted: Sequence[Requirement]
) -> Iterator[tuple[RequirementId, list[Edit]]]:
    root = document.parsed(Report(document.name))
    if root is None or document.suffix == ".toml":
        return
    writer = Writer.of(document.content, document.name)
    places = _native_places(root, found) if name == NATIVE else _task_places(root, found)
    for one in wanted:
        node = places.get(one.id)
        yield one.id, writer.finish(node, status="done" if name == TASKS else "") if node else []


def _native_places(root: Node, found: RequirementSet) -> dict[RequirementId, Node]:
    return {one.id: node for one, (_, node) in zip(found.requirements, drafts_of(root), strict=True)}


def _task_places(root: Node, found: RequirementSet) -> dict[RequirementId, Node]:
    tasks = tasks_of(root)
    marks = {one.id: Mark(one.source.line, one.source.column) for one in found.requirements}
    return {name: tasks[mark] for name, mark in marks.items() if mark in tasks}


def _script(document: Document, path: str) -> Script:
    return Script.of(document.files[path], path)


def _path_of(document: Document, file: str) -> str | None:
    if not document.folder:
        return next(iter(document.files))
    return next((path for path in document.files if document.part(path).name == file), None)


def _ticked(script: Script, source: Source) -> list[Edit]:
    """Tick the first empty box on the line of a requirement, with the x that the file uses."""
    start = script.index(Mark(source.line, 1))
    end = script.text.find("\n", start)
    box = BOX.match(script.text, start, end if end >= 0 else len(script.text))
    sign = TICKED.search(script.text)
    return [script.edit(box.start(1), box.end(1), sign[1] if sign else "x")] if box else []


def _proved(target: Target, found: RequirementSet, edits: Edits, *, finishing: bool) -> Changed:
    """Make the edits that leave the file saying what it said but for what is wanted; the others are refused."""
    refused: dict[RequirementId, str] = {}
    names = [name for by_id in edits.values() for name in by_id]
    kept = _without_empty(edits)
    if not _holds(target, found, kept, finishing=finishing):
        kept = {path: _sound(target, found, path, by_id, finishing=finishing) for path, by_id in kept.items()}
        if not _holds(target, found, kept, finishing=finishing):
            kept = {}
    made = [name for by_id in kept.values() for name in by_id]
    refused = dict.fromkeys((name for name in names if name not in set(made)), NO_ROOM)
    return Changed(_files(target, kept), tuple(made), refused=refused)


def _without_empty(edits: Edits) -> Edits:
    return {path: {name: some for name, some in by_id.items() if some} for path, by_id in edits.items()}


def _sound(
    target: Target, found: RequirementSet, path: str, by_id: dict[RequirementId, list[Edit]], *, finishing: bool
) -> dict[RequirementId, list[Edit]]:
    """The edits that hold when each is made alone; of very many none is tried."""
    if len(by_id) > MOST_TRIED:
        return {}
    return {
        name: some for name, some in by_id.items() if _holds(target, found, {path: {name: some}}, finishing=finishing)
    }


def _holds(target: Target, found: RequirementSet, edits: Edits, *, finishing: bool) -> bool:
    """Whether the edited document says what it said, with the marks where they were wanted."""
    files = _files(target, edits)
    made = {name for by_id in edits.values() for name in by_id}
    expected = [_bare(one, done=one.done or (finishing and one.id in made)) for one in found.requirements]
    try:
        again = target.read(files)
    except RequirementError:
        return False
    return [_bare(one, done=one.done) for one in again.requirements] == expected


def _files(target: Target, edits: Edits) -> dict[str, bytes]:
    """The contents of the files that have edits, with these made."""
    return {
        path: apply_edits(target.document.files[path], (edit for some in by_id.values() for edit in some))
        for path, by_id in edits.items()
        if by_id
    }


def _bare(one: Requirement, *, done: bool = False) -> Requirement:
    """A requirement without its place, which moves, and with that mark."""
    return one.model_copy(update={"done": done, "source": Source(file="", line=1, column=1)})
