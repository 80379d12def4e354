"""How a Markdown document is taken apart: sections, lists, tables and texts, each with its place, as written."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import JsonValue

from prefect_swarm.core.document import LINE_BREAK, Mapping, Mark, Report
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.scalars import json_of
from prefect_swarm.core.tree import Marks, parse_tree

if TYPE_CHECKING:
    from markdown_it.token import Token

SUFFIXES = {".md", ".markdown", ".mdx", ".txt", ""}
MAX_LINES = 10_000
"""Lines of a file; with as many it takes its reader about a second."""
MAX_CELLS = 30_000
MAX_NESTING = 40
FRONT_MATTER = re.compile(r"---[ \t]*\n(?:.*\n)*?---[ \t]*(?:\n|\Z)")
BULLET = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]*")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text; its marks of emphasis are kept."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Code, a quotation or HTML, as written."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    mark: Mark
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header."""

    mark: Mark
    header: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list: its first paragraph, what stands below that, and all of it as written."""

    mark: Mark
    text: str
    inner: tuple["Block", ...]
    written: str
    """The item without its bullet, indented as if it stood alone."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    mark: Mark
    items: tuple[Item, ...]
    ordered: bool


Block = Paragraph | Verbatim | Table | Listing


@dataclass(slots=True)
class Section:
    """A heading with what stands below it, up to the next heading of its level; the document itself has level 0."""

    mark: Mark
    level: int
    title: str
    blocks: list[Block] = field(default_factory=list)
    sections: list["Section"] = field(default_factory=list)
    body: str = ""
    """Its own blocks as written, without the sections below it."""

    def walk(self) -> Iterator["Section"]:
        """This section and all below it, in the order of the file."""
        yield self
        for section in self.sections:
            yield from section.walk()

    @property
    def written(self) -> str:
        """The body and the sections below, as written."""
        below = (f"{'#' * one.level} {one.title}\n\n{one.written}".strip() for one in self.sections)
        return "\n\n".join(text for text in (self.body, *below) if text)


@dataclass(frozen=True, slots=True)
class Outline:
    """A document: its sections in a tree, and its front matter."""

    root: Section
    front: dict[str, JsonValue]

    @property
    def title(self) -> str:
        """The first heading of the first level; empty where there is none."""
        return next((one.title for one in self.root.sections if one.level == 1), "")


def read_outline(document: Document, report: Report) -> Outline:
    """Take a Markdown file apart; raises RequirementError where it cannot be read."""
    text = document.decoded(report)
    lines = LINE_BREAK.split(text)
    if len(lines) > MAX_LINES or text.count("|") > MAX_CELLS:
        report.stop(Mark(1, 1), f"more than {MAX_LINES} lines, or {MAX_CELLS} cells of tables; split the file")
    front, skipped = _front_matter(text, document, report)
    blank = ["" if at < skipped else line for at, line in enumerate(lines)]
    reader = Reader(tuple(blank), report)
    return Outline(reader.sections(_tokens("\n".join(blank))), front)


def _tokens(text: str) -> "list[Token]":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - slow to import, and only Markdown needs it

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable("table").disable("reference")
    parser.core.ruler.disable(["inline"])
    return parser.parse(text)


def _front_matter(text: str, document: Document, report: Report) -> tuple[dict[str, JsonValue], int]:
    """The front matter, and how many lines it takes; what is no mapping in YAML is left in the text."""
    found = FRONT_MATTER.match(LINE_BREAK.sub("\n", text))
    if found is None:
        return {}, 0
    scratch = Report(report.file, text)
    body = found[0][found[0].index("\n") + 1 : found[0].rstrip().rindex("---")]
    try:
        root = parse_tree(body, Marks(scratch, []), limits=document.limits)
    except RequirementError:
        root = None
    if not isinstance(root, Mapping) or scratch.refused:
        return {}, 0
    return {entry.name: json_of(entry.value) for entry in root.entries}, len(LINE_BREAK.findall(found[0]))


@dataclass
class Reader:
    """Turns the parser's tokens into blocks; `lines` are those of the file."""

    lines: tuple[str, ...]
    report: Report

    def sections(self, tokens: "Sequence[Token]") -> Section:
        """Lay the blocks out below their headings."""
        open_sections = [Section(Mark(1, 1), 0, "")]
        starts = [0]
        at = 0
        while at < len(tokens):
            token, end = tokens[at], _end(tokens, at)
            first, last = token.map or (0, 0)
            if token.type == "heading_open":
                self._close(open_sections[-1], starts[-1], first)
                section = Section(self._mark(first), int(token.tag[1:]), _content(tokens[at + 1]))
                while open_sections[-1].level >= section.level:
                    open_sections.pop()
                open_sections[-1].sections.append(section)
                open_sections.append(section)
                starts.append(last)
            else:
                open_sections[-1].blocks += self._block(tokens[at:end])
            at = end
        self._close(open_sections[-1], starts[-1], len(self.lines))
        return open_sections[0]

    def _close(self, section: Section, start: int, end: int) -> None:
        """Keep a section's own text as written, once: up to the first heading after its own."""
        section.body = "\n".join(self.lines[start:end]).strip("\n").rstrip()

    def _blocks(self, tokens: "Sequence[Token]") -> tuple[Block, ...]:
        found: list[Block] = []
        at = 0
        while at < len(tokens):
            end = _end(tokens, at)
            found += self._block(tokens[at:end])
            at = end
        return tuple(found)

    def _block(self, tokens: "Sequence[Token]") -> list[Block]:
        first, last = tokens[0].map or (0, 0)
        mark = self._mark(first)
        match tokens[0].type:
            case "paragraph_open" | "heading_open":
                return [Paragraph(mark, _content(tokens[1]))]
            case "bullet_list_open" | "ordered_list_open" as kind:
                return [Listing(mark, self._items(tokens[1:-1]), ordered=kind == "ordered_list_open")]
            case "table_open":
                return [self._table(tokens, mark)]
            case "hr":
                return []
            case _:
                text = textwrap.dedent("\n".join(self.lines[first:last])).strip("\n")
                return [Verbatim(mark, text)] if text.strip() else []

    def _items(self, tokens: "Sequence[Token]") -> tuple[Item, ...]:
        found: list[Item] = []
        at = 0
        while at < len(tokens):
            end = _end(tokens, at)
            found.append(self._item(tokens[at:end]))
            at = end
        return tuple(found)

    def _item(self, tokens: "Sequence[Token]") -> Item:
        first, last = tokens[0].map or (0, 0)
        blocks = self._blocks(tokens[1:-1])
        match blocks:
            case (Paragraph(text=text), *inner):
                pass
            case _:
                text, inner = "", list(blocks)
        return Item(self._mark(first), text, tuple(inner), self._written(first, last))

    def _written(self, first: int, last: int) -> str:
        lines = self.lines[first:last]
        bullet = BULLET.match(lines[0]) if lines else None
        if bullet is None:
            return "\n".join(lines).strip()
        below = textwrap.dedent("\n".join(lines[1:]))
        return f"{lines[0][bullet.end() :]}\n{below}".strip()

    def _table(self, tokens: "Sequence[Token]", mark: Mark) -> Table:
        rows: list[Row] = []
        cells: list[str] = []
        for token in tokens:
            if token.type == "inline":
                cells.append(_content(token))
            elif token.type == "tr_open":
                mark_of_row, cells = self._mark((token.map or (mark.line - 1, 0))[0]), []
                rows.append(Row(mark_of_row, ()))
            elif token.type == "tr_close":
                rows[-1] = Row(rows[-1].mark, tuple(cells))
        return Table(mark, rows[0].cells if rows else (), tuple(rows[1:]))

    def _mark(self, line: int) -> Mark:
        text = self.lines[line] if line < len(self.lines) else ""
        column = len(text) - len(text.lstrip()) + 1 if text.strip() else 1
        return Mark(line + 1, column, self.report.file if self.report.part else "")


def _content(token: "Token") -> str:
    return token.content.strip()


def _end(tokens: "Sequence[Token]", at: int) -> int:
    """The index after the token that closes the one at `at`."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += tokens[index].nesting
        if depth <= 0:
            return index + 1
    return len(tokens)


def looks_like_markdown(document: Document) -> bool:
    """Whether a file may be Markdown, by its suffix."""
    return not document.folder and document.suffix in SUFFIXES
