"""How StrictDoc's `.sdoc` is read: every node with a statement is a requirement, sections and texts are notes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from prefect_swarm.core.document import Report, Scalar
from prefect_swarm.core.formats.blocks import FREE, HEAD, Block, Field, blocks_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format, refuse_folder
from prefect_swarm.core.formats.items import Item, inform, take
from prefect_swarm.core.formats.terms import CRITERIA, DEPENDENCIES, plain
from prefect_swarm.core.requirement import Project, RequirementSet

ABOUT = {"DOCUMENT", "GRAMMAR", "DOCUMENT_FROM_FILE", "INCLUDE", "FRAGMENT_FROM_FILE"}
TEXTS = {"TEXT", FREE, "ABSTRACT"}
SECTION = "SECTION"
RELATIONS = ("RELATIONS", "REFS")
STATEMENTS = ("STATEMENT", "DESCRIPTION", "CONTENT", "BODY")
READ = {"UID", "TITLE", *STATEMENTS, "STATUS", "PRIORITY", *RELATIONS}
PART = re.compile(r"(?:- +|  )([A-Z_]+):[ \t]*(.*)")
HOW = "a requirement of StrictDoc begins with [REQUIREMENT]"


@dataclass
class Walk:
    """Where in the document we are: the composites that are open."""

    gathering: Gathering
    open: list[Block] = field(default_factory=list)

    @property
    def category(self) -> str:
        """The titles of the open sections."""
        return "/".join(one.text("TITLE") for one in self.open if one.tag == SECTION and one.text("TITLE"))

    def take(self, block: Block) -> None:
        """Take a block: close, open, note or gather it."""
        if block.closing:
            self.close(block)
        elif block.tag in ABOUT:
            self.about(block)
        else:
            self.node(block)

    def close(self, block: Block) -> None:
        """Close a composite; one that closes what is not open is told."""
        if block.tag == FREE:
            return
        if self.open and self.open[-1].tag == block.tag:
            self.open.pop()
        else:
            wanted = f"; [[/{self.open[-1].tag}]] is due" if self.open else ""
            self.gathering.report.refuse(block.mark, f"{block.tag} is closed here and was not opened{wanted}")

    def node(self, block: Block) -> None:
        """Take a section, a text or a requirement."""
        item = self.item(block)
        if block.tag == SECTION or (block.tag in TEXTS and not block.composite):
            inform(item, self.gathering)
        else:
            take(item, self.gathering)
        if block.composite or block.tag == SECTION or block.tag.startswith("COMPOSITE_"):
            self.open.append(block)

    def item(self, block: Block) -> Item:
        """What a node says."""
        said = {name: value for name, value in _said(block).items() if value}
        if block.tag != "REQUIREMENT":
            said = {"type": block.tag, **said}
        parents = [one.text("UID", "TITLE") for one in self.open if one.tag != SECTION]
        if parents:
            said["within"] = parents[-1]
        relations = list(_relations(block))
        waits = [one for one in relations if plain(one.get("ROLE", "")) in DEPENDENCIES]
        if len(relations) > len(waits):
            said["relations"] = [{**one} for one in relations if one not in waits]
        return Item(
            block.mark,
            id=block.find("UID"),
            title=block.text("TITLE"),
            text=block.text(*STATEMENTS),
            status=block.text("STATUS"),
            priority=block.find("PRIORITY"),
            category=self.category,
            depends_on=tuple(Scalar(one["VALUE"], False, block.mark) for one in waits if one.get("VALUE")),
            acceptance=tuple(one.value.text for one in block.fields if plain(one.name) in CRITERIA),
            said=said,
        )

    def about(self, block: Block) -> None:
        """Keep what a document says about itself, and which files it includes."""
        fields: dict[str, JsonValue] = {one.name: _value(one) for one in block.fields}
        self.gathering.note(block.tag.lower(), fields)


def _said(block: Block) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {}
    for one in block.fields:
        if one.name in READ or plain(one.name) in CRITERIA:
            continue
        known = said.get(one.name)
        said[one.name] = _value(one) if known is None else f"{known}\n\n{_value(one)}"
    return said


def _value(one: Field) -> str:
    return "\n".join(line.text for line in one.lines) if one.lines else one.value.text.strip()


def _relations(block: Block) -> Iterator[dict[str, str]]:
    """The relations of a node, each as its parts: TYPE, VALUE, ROLE."""
    for one in block.fields:
        if one.name not in RELATIONS:
            continue
        current: dict[str, str] = {}
        for line in one.lines:
            if line.text.startswith("- ") and current:
                yield current
                current = {}
            if found := PART.match(line.text):
                current[found[1]] = found[2].strip()
        if current:
            yield current


def read(document: Document, report: Report) -> RequirementSet:
    """Read a document of StrictDoc; relations to parents and files are kept as notes, for they order no work."""
    refuse_folder(document, report, "an .sdoc document")
    document.decoded(report)
    gathering = Gathering(report, open_ended=True)
    walk = Walk(gathering)
    blocks = blocks_of(report)
    for block in blocks:
        walk.take(block)
    for left in walk.open:
        report.refuse(left.mark, f"{left.tag} is opened here and never closed")
    name = next((one.text("TITLE") for one in blocks if one.tag == "DOCUMENT"), "")
    return gathering.finish(Project(name=name or "project"), nothing=f"no requirements: {HOW}")


def recognises(document: Document) -> float:
    """Sure where a block of StrictDoc opens the file."""
    first = next((line for line in document.text[:2000].splitlines() if line.strip()), "")
    if not HEAD.fullmatch(first):
        return 0.1 if document.suffix == ".sdoc" else 0
    known = first.startswith("[DOCUMENT]") or document.suffix == ".sdoc"
    return 0.9 if known else 0.3


FORMAT = Format("strictdoc", "StrictDoc's .sdoc", recognises, read)
