"""How CSV and its kin are read: which sign separates cells, which row names the columns, what each column says."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic import JsonValue

from prefect_swarm.core.document import Mark, Report, Scalar
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format, refuse_folder
from prefect_swarm.core.formats.items import Item, inform, take
from prefect_swarm.core.formats.rows import Row, Table
from prefect_swarm.core.formats.terms import CRITERIA, DEPENDENCIES, HEADINGS, plain
from prefect_swarm.core.requirement import Project, RequirementSet
from prefect_swarm.core.scalars import number_of
from prefect_swarm.core.tree import decode

SEPARATORS = (",", ";", "\t", "|")
NAMED_SEPARATOR = re.compile(r"\ufeff?sep=([^\r\n])\r?\n")
LOOKED_AT, LOOKED_AT_CELLS = 12, 3000
"""Rows, and cells in them, among which the names of the columns are looked for."""
MAX_ROWS = 10_000
"""How many requirements a run is made for."""
PLAIN_SUFFIXES = {".txt", ".text", ".dat", ""}
SUFFIXES = {".csv", ".tsv", ".tab", ".psv"}
IDS = (
    "id", "uid", "reqid", "requirementid", "requirementsid", "requirementuid", "displayid", "identifier", "key",
    "requirementidentifier", "issuekey", "itemid", "objectid", "objectidentifier", "foreignid", "artifactid",
    "featureid", "storyid", "userstoryid", "usid", "taskid", "ticketid", "reqno", "reqnr", "reqnumber",
    "requirementno", "requirementnumber", "ref", "reqref", "reference", "number", "no", "nr", "num", "req", "#", "code",
)  # fmt: skip
TITLES = (
    "title", "name", "summary", "requirementtitle", "requirementname", "reqtitle", "reqname", "shortdescription",
    "shortname", "shorttitle", "subject", "headline", "header", "storytitle", "featurename", "taskname", "tasktitle",
    "objectheading", "heading",
)  # fmt: skip
TEXTS = (
    "description", "requirementdescription", "requirementtext", "reqdescription", "reqtext", "statement",
    "requirementstatement", "shallstatement", "text", "objecttext", "primarytext", "specification", "details",
    "detail", "fulldescription", "longdescription", "content", "body", "functionalrequirement", "systemrequirement",
    "userrequirement", "requirement", "requirements", "userstory", "story", "feature", "task",
)  # fmt: skip
SUBJECTS = ("requirement", "requirements", "feature", "userstory", "story", "task", "functionalrequirement")
"""Columns that name a requirement where another one describes it."""
PRIORITIES = ("priority", "prio", "moscow", "importance", "prioritylevel", "criticality", "urgency")
STATUSES = ("status", "state", "progress", "implementationstatus", "reqstatus", "requirementstatus")
TICKS = ("done", "completed", "complete", "implemented", "finished")
CATEGORIES = (
    "category", "subsystem", "module", "component", "area", "group", "epic", "section", "sectiontitle", "domain",
    "subcategory", "type", "requirementtype", "reqtype",
)  # fmt: skip
KINDS = ("type", "requirementtype", "reqtype", "objecttype", "itemtype", "kind")
EFFORTS = ("effort", "storypoints", "points", "estimate")
YES = {"x", "yes", "y", "true", "1", "✓", "✔", "☑", "✅", "done", "completed", "complete"}
NO = {"false", "no", "0", "n"}
NAMES = {*IDS, *TITLES, *TEXTS, *PRIORITIES, *STATUSES, *TICKS, *CATEGORIES, *EFFORTS, *DEPENDENCIES, *CRITERIA}
HOW = "the first row must name the columns, one of them title, description or requirement"


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column says; `names` are those of the file, by position."""

    names: tuple[str, ...]
    id: int | None
    title: int | None
    texts: tuple[int, ...]
    priority: int | None
    status: int | None
    tick: int | None
    category: int | None
    kind: int | None
    effort: int | None
    active: int | None
    normative: int | None
    depends_on: tuple[int, ...]
    criteria: tuple[int, ...]

    @property
    def read(self) -> set[int]:
        """The columns whose texts go into the requirement itself; those of all others are kept as notes."""
        single = (self.id, self.title, self.priority, self.status, self.category)
        return {at for at in single if at is not None} | {*self.texts, *self.depends_on, *self.criteria}


def columns_of(header: Sequence[str]) -> Columns | None:
    """Understand the names of columns; None where none of them holds a text."""
    names = [cell.strip() if cell.strip() == "#" else plain(cell) for cell in header]
    title = _find(names, TITLES)
    texts = [at for at, name in enumerate(names) if name in TEXTS]
    if title is None and len(texts) > 1:
        title = next((at for at in texts if names[at] in SUBJECTS), texts[0])
        texts.remove(title)
    if title is None and not texts:
        return None
    taken = {title, *texts}
    return Columns(
        names=tuple(cell.strip() for cell in header),
        id=_find(names, IDS),
        title=title,
        texts=tuple(texts),
        priority=_find(names, PRIORITIES),
        status=_find(names, STATUSES),
        tick=_find(names, TICKS),
        category=_find([("" if at in taken else name) for at, name in enumerate(names)], CATEGORIES),
        kind=_find(names, KINDS),
        effort=_find(names, EFFORTS),
        active=_find(names, ("active",)),
        normative=_find(names, ("normative",)),
        depends_on=tuple(at for at, name in enumerate(names) if name in DEPENDENCIES),
        criteria=tuple(at for at, name in enumerate(names) if name in CRITERIA),
    )


def _find(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the table of a file begins and how it is written."""

    separator: str
    start: int
    header: int
    """How many rows stand before the one that names the columns."""
    columns: Columns
    known: int
    """How many columns have a name that is known."""


def layout_of(text: str) -> Layout | None:
    """Find the separator and the row that names the columns: the pair by which most names are known."""
    named = NAMED_SEPARATOR.match(text)
    start = named.end() if named else 0
    scratch = _scratch(text)
    found = [
        layout
        for separator in ((named[1],) if named else SEPARATORS)
        for layout in _layouts(Table(text, separator, scratch, most=LOOKED_AT_CELLS), start)
    ]
    return max(found, key=lambda one: (one.known, len(one.columns.names), -one.header), default=None)


def _layouts(table: Table, start: int) -> Iterator[Layout]:
    try:
        for at, row in enumerate(islice(table.rows(start), LOOKED_AT)):
            columns = columns_of([cell.text for cell in row])
            if columns is not None:
                known = sum(plain(name) in NAMES or name == "#" for name in columns.names)
                yield Layout(table.separator, start, at, columns, known)
    except RequirementError:
        return


def _scratch(text: str) -> Report:
    report = Report("")
    report.text = text
    return report


def read(document: Document, report: Report) -> RequirementSet:
    """Read a table: each row below the names of the columns is a requirement."""
    refuse_folder(document, report, "a table")
    report.text = _decoded(document, report)
    layout = layout_of(report.text)
    if layout is None:
        report.stop(Mark(1, 1), f"no table of requirements: {HOW}")
    gathering = Gathering(report, open_ended=True)
    table = Table(report.text, layout.separator, report)
    for at, row in enumerate(table.rows(layout.start)):
        if at > layout.header + MAX_ROWS:
            report.stop(row[0].mark, f"more than {MAX_ROWS} rows; split the file")
        if at > layout.header:
            _take(row, layout.columns, gathering)
        elif at < layout.header:
            gathering.note("before_table", " ".join(cell.text.strip() for cell in row if cell.text.strip()))
    return gathering.finish(Project(), nothing="no requirements: no row stands below the names of the columns")


def _take(row: Row, columns: Columns, gathering: Gathering) -> None:
    if [cell.text.strip() for cell in row] == list(columns.names):
        return  # a table that goes on over pages repeats the names
    item = _item(row, columns)
    kind = plain(_text(row, columns.kind))
    if kind in HEADINGS or plain(_text(row, columns.normative)) in NO:
        inform(item, gathering)
    else:
        take(item, gathering)


def _item(row: Row, columns: Columns) -> Item:
    texts = [_text(row, at) for at in columns.texts]
    active = plain(_text(row, columns.active))
    return Item(
        next(cell.mark for cell in row if cell.text.strip()),
        id=_cell(row, columns.id),
        title=_text(row, columns.title),
        text="\n\n".join(text for text in texts if text),
        status=_text(row, columns.status),
        priority=_cell(row, columns.priority),
        category=_text(row, columns.category),
        depends_on=tuple(word for at in columns.depends_on for word in words_of(_cell(row, at))),
        acceptance=tuple(_text(row, at) for at in columns.criteria),
        effort=_effort(row, columns),
        done=_text(row, columns.tick).casefold() in YES,
        gone="it is not active" if active in NO else "",
        said=_said(row, columns),
    )


def _said(row: Row, columns: Columns) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {}
    for at, cell in enumerate(row):
        if at not in columns.read and cell.text.strip():
            name = columns.names[at] if at < len(columns.names) and columns.names[at] else f"column {at + 1}"
            said[name] = f"{said[name]}\n{cell.text.strip()}" if name in said else cell.text.strip()
    return said


def _cell(row: Row, at: int | None) -> Scalar | None:
    if at is None or at >= len(row) or not row[at].text.strip():
        return None
    return row[at]


def _text(row: Row, at: int | None) -> str:
    cell = _cell(row, at)
    return cell.text.strip() if cell else ""


def _effort(row: Row, columns: Columns) -> float | None:
    cell = _cell(row, columns.effort)
    number = number_of(Scalar(cell.text.strip(), True, cell.mark)) if cell else None
    return number if number is not None and 0 < number < float("inf") else None


def words_of(cell: Scalar | None) -> list[Scalar]:
    """The ids in a cell: between commas, semicolons or line ends; a dash or `none` is none."""
    parts = re.split(r"[,;\n]", cell.text) if cell else []
    return [
        Scalar(part.strip(), False, cell.mark)
        for part in parts
        if cell and plain(part) not in {"", "none", "na", "null", "nil"}
    ]


def _decoded(document: Document, report: Report) -> str:
    """The text; spreadsheets on Windows write their own code page, which is taken where nothing else fits."""
    content = document.content
    if content[:2] not in {b"\xff\xfe", b"\xfe\xff"} and b"\0" not in content and not _is_utf8(content):
        try:
            content = content.decode("cp1252").encode()
        except UnicodeDecodeError:
            return decode(content, report, limits=document.limits)
        report.warn(Mark(1, 1), "the file is not UTF-8 and was read as Windows-1252; check its umlauts and accents")
    return decode(content, report, limits=document.limits)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def recognises(document: Document) -> float:
    """Sure where a row names the columns of requirements in a file called a table, or names several of them."""
    if document.folder or not document.content:
        return 0
    named = document.suffix in SUFFIXES
    try:
        text = _decoded(document, _scratch(""))
    except RequirementError:
        return 0.1 if named else 0
    layout = layout_of(text)
    if layout is None or named:
        return 0 if not named else 0.9 if layout else 0.1
    likely = document.suffix in PLAIN_SUFFIXES and layout.separator != "|" and layout.header == 0
    return 0.6 if likely and layout.known > 2 and layout.columns.id is not None else 0  # noqa: PLR2004 - prose has commas, too


FORMAT = Format("csv", "a table: CSV, TSV or with semicolons", recognises, read)
