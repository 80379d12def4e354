"""How XML becomes elements with their places: no document type, no entity but XML's own five, nothing fetched.

The standard library's expat is used as it is: `defusedxml` wraps `ElementTree`, which forgets where an element stood,
and `reqif` brings lxml, xmlschema and openpyxl along. What makes XML dangerous begins with a document type, and a
file that has one is refused before a single entity is defined.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from prefect_swarm.core.document import Limits, Mark, Report, shorten

MAX_ELEMENTS = 120_000
"""How many elements, and attributes, can be built well within a second."""
DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
ENCODINGS = {"utf-8": "utf-8-sig", "us-ascii": "ascii", "ascii": "ascii", "iso-8859-1": "iso-8859-1",
             "windows-1252": "cp1252", "utf-16": "utf-16"}  # fmt: skip


@dataclass(slots=True)
class Element:
    """One element; `parts` holds texts and elements in their order. Names are given without namespace prefix."""

    name: str
    attributes: dict[str, str]
    mark: Mark
    parts: "list[str | Element]" = field(default_factory=list)

    def children(self, *names: str) -> "Iterator[Element]":
        """The elements directly below, of these names or of any."""
        for part in self.parts:
            if not isinstance(part, str) and (not names or part.name in names):
                yield part

    def below(self, *path: str) -> "Iterator[Element]":
        """The elements at the end of a path of names."""
        if not path:
            yield self
            return
        for child in self.children(path[0]):
            yield from child.below(*path[1:])

    def first(self, *path: str) -> "Element | None":
        """The first element at the end of a path of names."""
        return next(self.below(*path), None)

    @property
    def text(self) -> str:
        """The text directly inside, outer white space dropped."""
        return "".join(part for part in self.parts if isinstance(part, str)).strip()


@dataclass
class Builder:
    """Builds the elements from the parser's events; raises RequirementError where a limit is reached."""

    report: Report
    limits: Limits
    parser: expat.XMLParserType
    open: list[Element] = field(default_factory=list)
    root: Element | None = None
    count: int = 0

    def attach(self) -> None:
        """Have the parser call us."""
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.StartDoctypeDeclHandler = self.refuse_type

    def place(self) -> Mark:
        """Where the parser stands."""
        return Mark(max(1, self.parser.CurrentLineNumber), self.parser.CurrentColumnNumber + 1)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.count += 1
        if self.count > MAX_ELEMENTS:
            self.report.stop(self.place(), f"more than {MAX_ELEMENTS} elements; split the file")
        if len(self.open) >= self.limits.depth:
            self.report.stop(self.place(), f"nested deeper than {self.limits.depth} levels")
        element = Element(local(name), attributes, self.place())
        if self.open:
            self.open[-1].parts.append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, _name: str) -> None:
        """An element ends."""
        self.open.pop()

    def data(self, text: str) -> None:
        """A text stands inside the innermost element."""
        self.open[-1].parts.append(text)

    def refuse_type(self, *_: object) -> None:
        """A document type defines entities, so it is never read."""
        self.report.stop(self.place(), "a document type (<!DOCTYPE ...>) is not read; delete it with its entities")


def build_elements(content: bytes, report: Report, *, limits: Limits) -> Element:
    """Turn the bytes of an XML file into its outermost element; fills the report's text.

    Raises RequirementError for whatever is not well-formed, declares a document type or is too large.
    """
    report.text = decode_markup(content, report, limits=limits)
    if report.text.count("=") > 3 * MAX_ELEMENTS:
        report.stop(Mark(1, 1), f"more than {3 * MAX_ELEMENTS} equals signs, which attributes have; split the file")
    parser = expat.ParserCreate()
    builder = Builder(report, limits, parser)
    builder.attach()
    try:
        parser.Parse(report.text, True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code) or "not well-formed"
        report.stop(Mark(max(1, error.lineno), error.offset + 1), f"not XML: {said}")
    except UnicodeEncodeError as error:
        report.stop(report.mark_at(error.start), "the text holds half of a surrogate pair")
    if builder.root is None:
        report.stop(Mark(1, 1), "not XML: no element found")
    return builder.root


def decode_markup(content: bytes, report: Report, *, limits: Limits) -> str:
    """Decode by byte order mark, else by the XML declaration, else as UTF-8; checks the size first."""
    if len(content) > limits.bytes:
        report.stop(Mark(1, 1), f"larger than {limits.bytes} bytes; split the file")
    declared = DECLARED.match(content)
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        name = "utf-16"
    if name not in ENCODINGS or (name == "utf-16" and declared):
        report.stop(Mark(1, 1), f"the encoding {shorten(name)} is not read; save the file as UTF-8")
    try:
        return content.decode(ENCODINGS[name])
    except UnicodeDecodeError as error:
        report.text = content[: error.start].decode(ENCODINGS[name], errors="replace")
        where = report.mark_at(len(report.text))
        report.stop(where, f"not {name.upper()}: {error.reason}; save the file as UTF-8")


def local(name: str) -> str:
    """The name without its namespace prefix."""
    return name.rpartition(":")[2]
