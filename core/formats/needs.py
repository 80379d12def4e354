"""How sphinx-needs' `needs.json` is read: the needs of the current version, in the order of the file."""

from collections.abc import Iterator
from dataclasses import replace

from pydantic import JsonValue

from prefect_swarm.core.cycles import tangles
from prefect_swarm.core.document import Mapping, Mark, Node, Report, Scalar, Sequence, shorten
from prefect_swarm.core.formats.fields import kind_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format, refuse_folder
from prefect_swarm.core.formats.items import Item, take
from prefect_swarm.core.formats.terms import CRITERIA, DEPENDENCIES, plain
from prefect_swarm.core.ids import identity
from prefect_swarm.core.requirement import Project, RequirementSet
from prefect_swarm.core.scalars import is_null, json_of

LINKS = {"links", *DEPENDENCIES}
TEXTS = ("description", "content")
READ = {"id", "title", *TEXTS, "status", "priority"}
SIGNS = {"docname", "type_name", "is_need", "id_complete", "links", "links_back", "type", "tags", "lineno"}
HOW = 'a file of sphinx-needs is `{"current_version": ..., "versions": {...: {"needs": {...}}}}`'


def read(document: Document, report: Report) -> RequirementSet:
    """Read the needs of the current version; each is a requirement, whatever its type."""
    refuse_folder(document, report, "needs.json")
    root = document.parsed(report)
    if not isinstance(root, Mapping):
        report.stop(Mark(1, 1), f"no needs: {HOW}")
    gathering = Gathering(report, open_ended=True)
    version = _version(root, report)
    needs = list(_needs(version))
    known = {identity(name) for key, need in needs for name in _names(key, need)}
    for key, need in needs:
        _need(need, key, known, gathering)
    _part_circles(gathering)
    _note_rest(root, version, gathering)
    project = root.find("project")
    named = project.value.text.strip() if project and isinstance(project.value, Scalar) else ""
    return gathering.finish(Project(name=named or "project"), nothing=f"no needs: {HOW}")


def _version(root: Mapping, report: Report) -> Mapping:
    """What the current version holds; where the file names none, the last one."""
    versions = root.find("versions")
    if versions is None or not isinstance(versions.value, Mapping):
        return root
    entries = [one for one in versions.value.entries if isinstance(one.value, Mapping)]
    if not entries:
        report.stop(versions.value.mark, f"no version: {HOW}")
    current = root.find("current_version")
    wanted = current.value.text if current and isinstance(current.value, Scalar) else ""
    chosen = next((one for one in entries if one.name == wanted), entries[-1])
    for other in entries:
        if other is not chosen:
            said = f"the needs of version {shorten(other.name)} are not read; {shorten(chosen.name)} is current"
            report.warn(other.key.mark, said)
    return chosen.value if isinstance(chosen.value, Mapping) else root


def _needs(version: Mapping) -> Iterator[tuple[Scalar | None, Node]]:
    found = version.find("needs")
    match found.value if found else None:
        case Mapping(entries=entries):
            yield from ((entry.key, entry.value) for entry in entries)
        case Sequence(items=items):
            yield from ((None, item) for item in items)
        case _:
            return


def _names(key: Scalar | None, node: Node) -> Iterator[str]:
    if key:
        yield key.text
    if isinstance(node, Mapping):
        yield _text(node, "id")


def _need(node: Node, key: Scalar | None, known: set[str], gathering: Gathering) -> None:
    if not isinstance(node, Mapping):
        gathering.report.refuse(node.mark, f"a need must be a mapping, not {kind_of(node)}")
        return
    priority = _scalar(node, "priority")
    item = Item(
        key.mark if key else node.mark,
        id=_scalar(node, "id") or key,
        title=_text(node, "title"),
        text="\n\n".join(text for text in (_text(node, name) for name in TEXTS) if text),
        status=_text(node, "status"),
        priority=priority,
        category=_text(node, "type"),
        depends_on=tuple(_links(node, known)),
        acceptance=tuple(_criteria(node)),
        said=_rest(node),
    )
    take(item, gathering)


def _links(node: Mapping, known: set[str]) -> Iterator[Scalar]:
    """The needs that a need links to, also to a part of them (`ID.part`) or under a condition (`ID[...]`)."""
    for entry in node.entries:
        if plain(entry.name) not in LINKS:
            continue
        for value in entry.value.items if isinstance(entry.value, Sequence) else _words(entry.value):
            if isinstance(value, Scalar) and not is_null(value) and value.text.strip():
                name = value.text.partition("[")[0].strip() or value.text.strip()
                whole = name.rpartition(".")[0]
                yield Scalar(
                    whole if identity(name) not in known and identity(whole) in known else name, False, value.mark
                )


def _words(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        words = node.text.replace(";", ",").split(",")
        yield from (Scalar(word.strip(), False, node.mark) for word in words)


def _criteria(node: Mapping) -> Iterator[str]:
    for entry in node.entries:
        if plain(entry.name) in CRITERIA and isinstance(entry.value, Scalar) and entry.value.text.strip():
            yield entry.value.text


def _rest(node: Mapping) -> dict[str, JsonValue]:
    """What else a need says, without the many fields that are empty."""
    return {
        entry.name: json_of(entry.value)
        for entry in node.entries
        if entry.name not in READ and plain(entry.name) not in {*LINKS, *CRITERIA} and not _empty(entry.value)
    }


def _empty(node: Node) -> bool:
    match node:
        case Scalar():
            return is_null(node) or not node.text.strip()
        case Sequence(items=items):
            return not items
        case Mapping(entries=entries):
            return not entries


def _part_circles(gathering: Gathering) -> None:
    """Of needs that link to each other in a circle, each waits for those before it only; the rest becomes a note."""
    index = {identity(draft.id.text): at for at, draft in enumerate(gathering.drafts) if draft.id}
    edges = {
        at: tuple(index[identity(one.text)] for one in draft.depends_on if identity(one.text) in index)
        for at, draft in enumerate(gathering.drafts)
    }
    names = {at: name for name, at in index.items()}
    for inner in tangles(edges):
        for at, targets in inner.items():
            _part(at, {names[to] for to in targets if to >= at}, gathering)


def _part(at: int, later: set[str], gathering: Gathering) -> None:
    draft = gathering.drafts[at]
    parted = [link for link in draft.depends_on if identity(link.text) in later]
    for link in parted:
        said = f"the link to {shorten(link.text)} leads round in a circle and is kept as a note"
        gathering.report.warn(link.mark, said)
    if parted:
        gathering.said[at]["links_in_circles"] = [link.text for link in parted]
        rest = tuple(link for link in draft.depends_on if link not in parted)
        gathering.drafts[at] = replace(draft, depends_on=rest)


def _note_rest(root: Mapping, version: Mapping, gathering: Gathering) -> None:
    about: dict[str, JsonValue] = {
        entry.name: json_of(entry.value)
        for holder in (root, version)
        for entry in holder.entries
        if entry.name not in {"versions", "needs", "project", "needs_schema"} and not _empty(entry.value)
    }
    if about:
        gathering.notes["export"] = about


def _scalar(node: Mapping, name: str) -> Scalar | None:
    found = node.find(name)
    return found.value if found and isinstance(found.value, Scalar) and not is_null(found.value) else None


def _text(node: Mapping, name: str) -> str:
    found = _scalar(node, name)
    return found.text.strip() if found else ""


def recognises(document: Document) -> float:
    """Sure where versions hold needs; a bare list of needs is told by the fields that only needs have."""
    root = document.tree
    if not isinstance(root, Mapping):
        return 0
    versions = root.find("versions")
    if versions and isinstance(versions.value, Mapping):
        held = [one.value for one in versions.value.entries if isinstance(one.value, Mapping)]
        if any(one.find("needs") for one in held):
            return 0.9
    needs = [need for _, need in _needs(root) if isinstance(need, Mapping)][:5]
    return 0.9 if any(len([e for e in one.entries if e.name in SIGNS]) > 1 for one in needs) else 0


FORMAT = Format("needs", "sphinx-needs' needs.json", recognises, read)
