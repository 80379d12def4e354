"""How a Doorstop document is read: a folder with `.doorstop.yml`, in which each requirement is a file of its own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import JsonValue

from prefect_swarm.core.document import Mapping, Mark, Node, Report, Scalar
from prefect_swarm.core.document import Sequence as Listed
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format
from prefect_swarm.core.formats.items import Item, inform, take
from prefect_swarm.core.requirement import Project, RequirementSet
from prefect_swarm.core.scalars import is_null, json_of, truth_of
from prefect_swarm.core.tree import Marks, parse_tree

CONFIG = ".doorstop.yml"
ITEMS = {".yml", ".yaml", ".md"}
FRONT = re.compile(r"---[ \t]*(?:\r\n|\r|\n)(.*?)(?:^|(?<=[\r\n]))---[ \t]*(?:\r\n|\r|\n|\Z)", re.DOTALL)
TITLE = re.compile(r"\s*# +([^\r\n]+)(?:\r\n|\r|\n|\Z)")
PLAIN_LEVEL = re.compile(r"\d+\.\d+")
READ = {"active", "header", "level", "links", "normative", "text"}
HOW = f"a document of Doorstop is a folder with {CONFIG}, in which each item is a file such as REQ001.yml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `.doorstop.yml` says of one document: how its items are named."""

    folder: PurePosixPath
    prefix: str
    about: JsonValue


@dataclass(frozen=True, slots=True)
class Entry:
    """One item file: its attributes, and the text below them where the item is Markdown."""

    uid: str
    mark: Mark
    node: Mapping
    prose: str
    level: tuple[int, ...]


def read(document: Document, report: Report) -> RequirementSet:
    """Read a document in the order of its levels; links lead to parents in other documents and are notes."""
    if not document.folder:
        report.stop(Mark(1, 1), f"no folder: {HOW}")
    gathering = Gathering(report, open_ended=True)
    roots = _roots(document)
    for path in sorted(path for path in document.files if PurePosixPath(path).name == CONFIG):
        settings = _settings(path, document, report)
        if settings.folder in roots:
            gathering.note("documents", settings.about)
            _read_document(settings, document, gathering)
        else:
            report.warn(Mark(1, 1), f"{settings.folder} is a document of its own and is not read; name it to read it")
    return gathering.finish(Project(), nothing=f"no requirements: {HOW}")


def _roots(document: Document) -> list[PurePosixPath]:
    """The folders with a configuration that lie inside no other such folder."""
    folders = [PurePosixPath(path).parent for path in document.files if PurePosixPath(path).name == CONFIG]
    return [one for one in folders if not any(other != one and one.is_relative_to(other) for other in folders)]


def _settings(path: str, document: Document, report: Report) -> Settings:
    inside = document.part(path)
    root = inside.parsed(report.inside(inside.name))
    found = root.find("settings") if isinstance(root, Mapping) else None
    prefix = found.value.find("prefix") if found and isinstance(found.value, Mapping) else None
    word = prefix.value.text if prefix and isinstance(prefix.value, Scalar) else ""
    return Settings(PurePosixPath(path).parent, word, json_of(root) if root else None)


def _read_document(settings: Settings, document: Document, gathering: Gathering) -> None:
    entries: list[Entry] = []
    for path in _item_files(settings, document):
        inside = document.part(path)
        entry = _entry(inside, gathering.report.inside(inside.name))
        if entry is not None:
            entries.append(entry)
    above: dict[tuple[int, ...], str] = {}
    for entry in sorted(entries, key=lambda one: (one.level, _natural(one.uid))):
        _take(entry, above, gathering)


def _item_files(settings: Settings, document: Document) -> Iterator[str]:
    """The files below a document's folder that are named like its items, without those of documents inside it."""
    inner = [PurePosixPath(path).parent for path in document.files if PurePosixPath(path).name == CONFIG]
    inner = [folder for folder in inner if folder != settings.folder and folder.is_relative_to(settings.folder)]
    for path in document.files:
        file = PurePosixPath(path)
        named = file.name != CONFIG and file.stem.lower().startswith(settings.prefix.lower())
        own = file.is_relative_to(settings.folder) and not any(file.is_relative_to(folder) for folder in inner)
        if named and own and file.suffix.lower() in ITEMS and any(one.isdigit() for one in file.stem):
            yield path


def _entry(document: Document, report: Report) -> Entry | None:
    prose = ""
    if document.suffix == ".md":
        text = document.decoded(report)
        front = FRONT.match(text)
        if front is None:
            return None
        prose = text[front.end() :]
        root = parse_tree(front[1], Marks(report, [(0, front.start(1))]), limits=document.limits)
    else:
        root = document.parsed(report)
    mark = report.mark_at(0)
    if not isinstance(root, Mapping):
        report.refuse(mark, "an item of Doorstop is a mapping of attributes such as `text` and `level`")
        return None
    uid = PurePosixPath(document.name.replace("\\", "/")).stem
    return Entry(uid, mark, root, prose, _level(root))


def _level(node: Mapping) -> tuple[int, ...]:
    """The level as numbers; an unquoted 1.10 is the number 1.1, as Doorstop has it, and a last 0 marks a heading."""
    found = node.find("level")
    if found is None or not isinstance(found.value, Scalar):
        return (1,)
    text = found.value.text.strip()
    if found.value.plain and PLAIN_LEVEL.fullmatch(text):
        text = text.rstrip("0") or text
    numbers = [int(part) for part in re.findall(r"\d{1,9}", text)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers) or (1,)


def _take(entry: Entry, above: dict[tuple[int, ...], str], gathering: Gathering) -> None:
    item = _item(entry, above)
    if not item.gone and not _truth(entry.node, "normative"):
        above[entry.level] = (item.title or item.text).strip().split("\n", 1)[0]
        inform(item, gathering)
    else:
        take(item, gathering)


def _item(entry: Entry, above: dict[tuple[int, ...], str]) -> Item:
    title, text = _word(entry.node, "header"), _word(entry.node, "text")
    prose = entry.prose
    if prose and not title and (heading := TITLE.match(prose)):
        title, prose = heading[1], prose[heading.end() :]
    within = [above[entry.level[:depth]] for depth in range(1, len(entry.level)) if entry.level[:depth] in above]
    return Item(
        entry.mark,
        id=Scalar(entry.uid, False, entry.mark),
        title=title,
        text="\n\n".join(part.strip() for part in (text, prose) if part.strip()),
        category="/".join(within),
        gone="" if _truth(entry.node, "active") else "it is not active",
        said=_said(entry.node),
    )


def _said(node: Mapping) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {
        one.name: json_of(one.value) for one in node.entries if one.name not in READ and _says(one.value)
    }
    links = [name for name in _links(node) if name]
    level = _word(node, "level")
    if links:
        said["links"] = [*links]
    if level:
        said["level"] = level
    return said


def _says(node: Node) -> bool:
    match node:
        case Scalar():
            return not is_null(node) and bool(node.text.strip()) and truth_of(node) is not False
        case Listed(items=items):
            return bool(items)
        case Mapping(entries=entries):
            return bool(entries)


def _links(node: Mapping) -> Iterator[str]:
    """The parents: `- REQ001`, or `- REQ001: fingerprint`."""
    found = node.find("links")
    items: Sequence[Node] = found.value.items if found and isinstance(found.value, Listed) else ()
    for item in items:
        if isinstance(item, Mapping):
            yield from (entry.name for entry in item.entries)
        elif isinstance(item, Scalar):
            yield item.text.strip()


def _truth(node: Mapping, name: str) -> bool:
    """A truth value that is true where nothing else is said."""
    found = node.find(name)
    return found is None or truth_of(found.value) is not False


def _word(node: Mapping, name: str) -> str:
    found = node.find(name)
    return found.value.text.strip() if found and isinstance(found.value, Scalar) and not is_null(found.value) else ""


def _natural(uid: str) -> tuple[str, int, str]:
    """A key that sorts REQ2 before REQ10."""
    number = re.search(r"\d{1,18}", uid)
    return (uid[: number.start()], int(number[0]), uid) if number else (uid, 0, uid)


def recognises(document: Document) -> float:
    """Sure of every folder that holds a configuration of Doorstop."""
    return 0.9 if any(PurePosixPath(path).name == CONFIG for path in document.files) and document.folder else 0


FORMAT = Format("doorstop", "a folder of Doorstop", recognises, read)
