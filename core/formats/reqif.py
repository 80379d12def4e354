"""How ReqIF is read: the objects of the hierarchy in its order, headings and information as notes."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from prefect_swarm.core.document import Mark, Report, Scalar, shorten
from prefect_swarm.core.formats.exchange import Entry, Exchange, Placed, exchange_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format, refuse_folder
from prefect_swarm.core.formats.items import Item, inform, take
from prefect_swarm.core.formats.terms import CRITERIA, DEPENDENCIES, HEADINGS, plain
from prefect_swarm.core.markup import build_elements
from prefect_swarm.core.requirement import Project, RequirementSet

IDS = ("foreignid", "id", "uid", "reqid", "requirementid", "identifier", "objectidentifier", "iepuid", "puid")
CHAPTERS = ("chaptername", "objectheading", "heading", "header")
TITLES = ("name", "title", "summary", "shortdescription", "objectshorttext", "headline")
TEXTS = (
    "text", "objecttext", "statement", "description", "requirementtext", "primarytext", "requirement", "content",
    "shalltext", "requirementdescription", "objectdescription",
)  # fmt: skip
KINDS = ("objecttype", "type", "kind", "artifacttype", "ieobjecttype", "requirementtype", "category", "reqtype")
STATUSES = ("status", "state", "requirementstatus", "reqstatus", "lifecyclestatus")
PRIORITIES = ("priority", "prio", "importance", "moscow")
DELETED = ("foreigndeleted", "deleted", "isdeleted")
READ = {*IDS[:1], *CHAPTERS, *TITLES, *TEXTS, *STATUSES, *PRIORITIES, *CRITERIA}
HOUSEKEEPING = {"foreigncreatedby", "foreigncreatedon", "foreignmodifiedby", "foreignmodifiedon", "foreigncreatedthru"}
WAITS = re.compile(r"depend|require|prereq|predecessor|blocked|follows", re.IGNORECASE)
ZIP = b"PK\x03\x04"
ROOT = re.compile(rb"<(?:[\w.-]+:)?REQ-IF[\s>]")
HOW = "a requirement of ReqIF is a SPEC-OBJECT with a text"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the objects of one file."""

    exchange: Exchange
    gathering: Gathering
    names: dict[str, str]
    """The id of each object, by its IDENTIFIER."""

    def take(self, placed: Placed) -> None:
        """Gather an object, or note it where it is a heading or mere information."""
        entry = self.exchange.entries[placed.identifier]
        item = self.item(entry, placed)
        if is_informative(entry):
            inform(item, self.gathering)
        else:
            take(item, self.gathering)

    def item(self, entry: Entry, placed: Placed) -> Item:
        """What an object says."""
        title, text = texts_of(entry)
        above = [self.exchange.entries[name] for name in placed.above if name in self.exchange.entries]
        status = entry.value(*STATUSES)
        priority = entry.value(*PRIORITIES)
        return Item(
            entry.mark,
            id=Scalar(self.names[entry.identifier], False, entry.mark),
            title=title,
            text=text,
            status=status,
            priority=Scalar(priority, False, entry.mark) if priority else None,
            category="/".join(title_of(one) for one in above if is_informative(one) and title_of(one)),
            depends_on=tuple(self.needed(entry)),
            acceptance=tuple(value for name, value in entry.values.items() if plain(name) in CRITERIA),
            gone="it is marked as deleted" if entry.value(*DELETED).lower() == "true" else "",
            said=self.said(entry, [one for one in above if not is_informative(one)]),
        )

    def needed(self, entry: Entry) -> Iterator[Scalar]:
        """What an object waits for, by the name of a relation or an attribute."""
        for one in self.exchange.relations:
            if one.source == entry.identifier and WAITS.search(one.kind):
                yield Scalar(self.names.get(one.target, one.target), False, one.mark)
        for name, value in entry.values.items():
            if plain(name) in DEPENDENCIES:
                yield from (Scalar(word, False, entry.mark) for word in re.split(r"[,;\s]+", value) if word)

    def said(self, entry: Entry, above: list[Entry]) -> dict[str, JsonValue]:
        """What else is said of an object: its type, other attributes, relations, and what it stands below."""
        relations: list[JsonValue] = [
            {"type": one.kind, "to": self.names.get(one.target, one.target)}
            for one in self.exchange.relations
            if one.source == entry.identifier and not WAITS.search(one.kind)
        ]
        told: dict[str, JsonValue] = {
            name: value
            for name, value in entry.values.items()
            if plain(name).removeprefix("reqif") not in {*READ, *HOUSEKEEPING, *DEPENDENCIES}
        }
        about: dict[str, JsonValue] = {
            "type": entry.kind,
            "relations": relations,
            "within": self.names[above[-1].identifier] if above else "",
            "identifier": entry.identifier if self.names[entry.identifier] != entry.identifier else "",
        }
        return told | {name: value for name, value in about.items() if value}


def texts_of(entry: Entry) -> tuple[str, str]:
    """The title and the text of an object; where no attribute has a usual name, the longest value is the text."""
    title = entry.value(*TITLES) or entry.value(*CHAPTERS)
    text = entry.value(*TEXTS)
    if not title and not text:
        rest = [value for name, value in entry.values.items() if _could_be_text(name, value)]
        text = max(rest, key=lambda value: (" " in value, len(value)), default="")
    return title or entry.long_name, text or entry.description


def _could_be_text(name: str, value: str) -> bool:
    word = plain(name).removeprefix("reqif")
    used = {*IDS, *KINDS, *STATUSES, *PRIORITIES, *DELETED, *HOUSEKEEPING}
    return word not in used and any(one.isalpha() for one in value) and value.lower() not in {"true", "false"}


def title_of(entry: Entry) -> str:
    """The title of a heading."""
    title, text = texts_of(entry)
    return (title or text).strip().split("\n", 1)[0]


def is_informative(entry: Entry) -> bool:
    """Whether an object is no requirement: by its type, by an attribute that tells, or because it is a chapter."""
    if plain(entry.kind) in HEADINGS or any(plain(entry.value(kind)) in HEADINGS for kind in KINDS):
        return True
    if entry.value("requirement").lower() == "false":
        return True
    return bool(entry.value(*CHAPTERS)) and not entry.value(*TEXTS)


def read(document: Document, report: Report) -> RequirementSet:
    """Read a ReqIF file, or the one inside a .reqifz."""
    refuse_folder(document, report, "a ReqIF file")
    content = document.content
    if content.startswith(ZIP):
        content = _unpacked(content, document, report)
    exchange = exchange_of(build_elements(content, report, limits=document.limits))
    gathering = Gathering(report, open_ended=True)
    for entry in exchange.twice:
        report.refuse(entry.mark, f"the IDENTIFIER {shorten(entry.identifier)} stands twice")
    reader = Reader(exchange, gathering, _ids(exchange))
    for placed in _in_order(exchange):
        reader.take(placed)
    if exchange.specifications:
        gathering.notes["specifications"] = [name for name in exchange.specifications if name]
    name = exchange.title or next((name for name in exchange.specifications if name), "")
    return gathering.finish(Project(name=name or "project"), nothing=f"no requirements: {HOW}")


def _ids(exchange: Exchange) -> dict[str, str]:
    """The readable id of each object, or its IDENTIFIER where another object has the same readable one."""
    readable = {name: entry.value(*IDS).split("\n")[0].strip() for name, entry in exchange.entries.items()}
    counted = Counter(readable.values())
    return {name: said if said and counted[said] == 1 else name for name, said in readable.items()}


def _in_order(exchange: Exchange) -> Iterator[Placed]:
    """The objects as the hierarchies have them, each once, then those that stand in none."""
    seen: set[str] = set()
    for placed in (*exchange.order, *(Placed(name, ()) for name in exchange.entries)):
        if placed.identifier in exchange.entries and placed.identifier not in seen:
            seen.add(placed.identifier)
            yield placed


def _unpacked(content: bytes, document: Document, report: Report) -> bytes:
    """The only ReqIF file of an archive, at most as large as a file may be."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith((".reqif", ".xml"))]
            if len(names) != 1:
                report.stop(Mark(1, 1), f"the archive holds {len(names)} ReqIF files; unpack it and name one")
            with archive.open(names[0]) as file:
                return file.read(document.limits.bytes + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        report.stop(Mark(1, 1), f"the archive cannot be unpacked: {shorten(str(error))}")


def recognises(document: Document) -> float:
    """Sure where the outermost element is REQ-IF."""
    if document.folder:
        return 0
    if document.content.startswith(ZIP):
        return 0.9 if document.suffix == ".reqifz" else 0
    start = document.content[:4096].replace(b"\0", b"")
    if ROOT.search(start):
        return 0.9
    return 0.1 if document.suffix in {".reqif", ".reqifz"} else 0


FORMAT = Format("reqif", "ReqIF", recognises, read)
