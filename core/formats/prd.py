"""How any other Markdown is read: a product requirements document with features, stories, boxes and tables.

Where at least two things begin with ids of their own, these are the requirements. Else boxes are, where there are any.
Else what stands below headings that speak of requirements, features or stories; and where no heading does, what stands
below all that do not speak of something else (goals, risks, a glossary, ...). All that is no requirement is a note.
"""

import re
from dataclasses import dataclass, replace

from prefect_swarm.core.document import Mark, Report
from prefect_swarm.core.formats.checklists import add_tasks, tasks_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format, refuse_folder
from prefect_swarm.core.formats.markdown import (
    Item,
    Listing,
    Outline,
    Paragraph,
    Section,
    Table,
    looks_like_markdown,
    read_outline,
)
from prefect_swarm.core.formats.noting import (
    below,
    keep,
    keep_blocks,
    keep_front,
    keep_others,
    project_of,
    warn_numbered,
    where,
)
from prefect_swarm.core.formats.phrases import (
    TICK,
    Kind,
    accepted,
    accepted_of_item,
    bare_heading,
    flat,
    is_acceptance,
    is_story,
    kind_of_heading,
    label_of,
    labelled,
    priority_in,
)
from prefect_swarm.core.formats.statements import StatementReader
from prefect_swarm.core.formats.tables import Columns, row_draft
from prefect_swarm.core.formats.vocabulary import meant_priority
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Priority, RequirementSet

LOOKS = re.compile(r"^(?:#{1,6} +\S|[ \t]*[-*+] +\S|\d{1,3}[.)] +\S|\|.*\|)|^[^\n]+\n(?:=+|-+)[ \t]*$", re.MULTILINE)
PREFIXES = (
    "Product Requirements Document",
    "Product Requirement Document",
    "PRD",
    "Requirements Document",
    "Requirements",
)
SUFFIXES = re.compile(r"\s*[-:\u2013\u2014(]*\s*(?:Product Requirements? Document|\bPRD\b)[\s()PRD]*$", re.IGNORECASE)
ENOUGH = 2
WANTED = {Kind.REQUIREMENTS, Kind.TECHNICAL}
NOTHING = (
    "no requirements; write a list below a heading such as `## Features`, or give requirements ids (`- FR-1: ...`)"
)
MOSCOW = re.compile(r"^\W*(?P<said>must|should|could|nice)[ -](?:to[ -])?haves?\b|\b(?P<level>p[0-5])\b", re.IGNORECASE)


def recognises(document: Document) -> float:
    """Barely sure of every Markdown file, so that each format that knows more wins."""
    if not looks_like_markdown(document) or not LOOKS.search(document.text):
        return 0
    return 0.2 if document.suffix else 0.15


def read(document: Document, report: Report) -> RequirementSet:
    """Read a Markdown file."""
    refuse_folder(document, report, "a Markdown document")
    outline = read_outline(document, report)
    gathering = _stated(outline, report) or _ticked(outline, report) or _told(outline, report)
    keep_front(outline, gathering)
    warn_numbered(gathering)
    project = project_of(outline, prefixes=PREFIXES)
    named = project.model_copy(update={"name": SUFFIXES.sub("", project.name).strip() or project.name})
    return gathering.finish(named, nothing=NOTHING)


def _stated(outline: Outline, report: Report) -> Gathering | None:
    """The requirements that have ids, if there are enough of them."""
    gathering = Gathering(report, open_ended=True)
    StatementReader(gathering).section(outline.root)
    return gathering if len(gathering.drafts) >= ENOUGH else None


def _ticked(outline: Outline, report: Report) -> Gathering | None:
    """The boxes of a document, if there are any outside of lists of acceptance criteria."""
    gathering = Gathering(report, open_ended=True)
    accepting = {id(one) for section in outline.root.walk() if is_acceptance(section.title) for one in section.walk()}
    wanted = [one for one in outline.root.walk() if id(one) not in accepting]
    if not any(_has_box(section) for section in wanted):
        return None
    return None if _has_features(outline.root) else _tick(outline, gathering)


def _tick(outline: Outline, gathering: Gathering) -> Gathering:
    add_tasks(tasks_of(outline.root), gathering)
    keep_others(outline.root, gathering, lambda item: TICK.match(item.text) is not None)
    return gathering


def _has_box(section: Section) -> bool:
    return any(TICK.match(item.text) for block in section.blocks if isinstance(block, Listing) for item in block.items)


def _has_features(root: Section) -> bool:
    """Whether boxes are criteria of features rather than the work itself."""
    return any(accepted(section)[0] for section in root.walk())


def _told(outline: Outline, report: Report) -> Gathering:
    gathering = Gathering(report, open_ended=True)
    kinds = [kind_of_heading(bare_heading(one.title)) for one in outline.root.walk() if one.level > 1]
    named = any(kind in WANTED for kind in kinds)
    reader = FeatureReader(gathering, Kind.NOTES if named else Kind.REQUIREMENTS)
    reader.section(outline.root, (), Place(Kind.FREE))
    if not gathering.drafts and named:
        gathering = Gathering(report, open_ended=True)
        FeatureReader(gathering, Kind.REQUIREMENTS).section(outline.root, (), Place(Kind.FREE))
    return gathering


@dataclass(frozen=True, slots=True)
class Place:
    """What the headings above promise."""

    kind: Kind
    priority: Priority | None = None


@dataclass
class FeatureReader:
    """Collects features, stories and items; `otherwise` is what a heading promises that promises nothing."""

    gathering: Gathering
    otherwise: Kind

    def section(self, section: Section, path: tuple[str, ...], above: Place) -> None:
        """Read a section and those below it."""
        place = self._place(section, above)
        if place.kind is Kind.NOTES and not self._any_wanted(section):
            keep(section, self.gathering, path=path)
            return
        here = below(path, section)
        if place.kind is Kind.NOTES:
            keep_blocks(section.blocks, self.gathering, here)
        elif section.level > 1 and above.kind in WANTED and self._is_feature(section):
            self._feature(section, path, place)
            return
        else:
            self._blocks(section, here, place)
        for one in section.sections:
            self.section(one, here, place)

    def _place(self, section: Section, above: Place) -> Place:
        title = bare_heading(section.title)
        said = MOSCOW.search(title)
        priority = (meant_priority(said["said"] or said["level"]) if said else priority_in(title)) or above.priority
        if section.level <= 1:
            return Place(self.otherwise if self.otherwise is Kind.REQUIREMENTS else Kind.NOTES, priority)
        kind = kind_of_heading(title)
        if kind is Kind.FREE or (kind is Kind.NOTES and above.kind in WANTED and self._deep(section)):
            kind = above.kind if above.kind is not Kind.FREE else self.otherwise
        return Place(kind, priority)

    def _deep(self, section: Section) -> bool:
        """Whether a heading that names something else is rather the name of a feature."""
        return self.otherwise is Kind.NOTES and self._is_feature(section)

    def _any_wanted(self, section: Section) -> bool:
        kinds = (kind_of_heading(bare_heading(one.title)) for one in list(section.walk())[1:])
        return self.otherwise is Kind.NOTES and any(kind in WANTED for kind in kinds)

    def _is_feature(self, section: Section) -> bool:
        """Whether a section describes one thing that is wanted, rather than listing several."""
        if accepted(section)[0]:
            return True
        texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
        labels = {label for text in texts for label, _ in labelled(text) if label}
        if any(is_story(text) for text in texts) or labels & {
            "priority",
            "description",
            "user story",
            "as a",
            "effort",
        }:
            return True
        lists = any(isinstance(block, (Listing, Table)) for block in section.blocks)
        return bool(texts) and not lists and not section.sections

    def _feature(self, section: Section, path: tuple[str, ...], place: Place) -> None:
        title = bare_heading(section.title)
        priority = priority_in(title) or priority_in(section.body) or place.priority
        self._add(
            Draft(
                section.mark,
                flat(title),
                section.written or title,
                priority=priority or Priority.MEDIUM,
                acceptance=accepted(section)[0],
                category=where(path) if path else "",
            ),
            place,
        )

    def _blocks(self, section: Section, path: tuple[str, ...], place: Place) -> None:
        for block in section.blocks:
            match block:
                case Listing(items=items):
                    for item in items:
                        self._item(item, path, place)
                case Table() if Columns.of(block).lists_requirements:
                    self._table(block, path, place)
                case Paragraph(text=text, mark=mark) if is_story(text):
                    self._add(self._draft(flat(text), text, path, place, mark=mark), place)
                case _:
                    keep_blocks([block], self.gathering, path)

    def _item(self, item: Item, path: tuple[str, ...], place: Place) -> None:
        tick = TICK.match(item.text)
        text = item.written[tick.end() :] if tick else item.written
        if not text.strip():
            return
        label, rest = label_of(item.text[tick.end() :] if tick else item.text)
        title = f"{label_text(item.text, label)}: {rest}" if label and rest else item.text[tick.end() if tick else 0 :]
        draft = self._draft(flat(title or text), text, path, place, mark=item.mark)
        done = bool(tick and tick["mark"].strip() and tick["mark"] not in "-~/>")
        self._add(replace(draft, acceptance=accepted_of_item(item), done=done), place)

    def _table(self, table: Table, path: tuple[str, ...], place: Place) -> None:
        columns = Columns.of(table)
        for row in table.rows:
            if not any(cell.strip() for cell in row.cells):
                continue
            draft, said = row_draft(row, columns)
            if "priority" not in columns.parts:
                draft = replace(draft, priority=priority_in(draft.title) or place.priority or Priority.MEDIUM)
            self.gathering.add(replace(draft, category=draft.category or where(path)), said)

    def _draft(self, title: str, text: str, path: tuple[str, ...], place: Place, *, mark: Mark) -> Draft:
        return Draft(
            mark,
            title,
            text,
            priority=priority_in(text) or place.priority or Priority.MEDIUM,
            category=where(path) if path else "",
        )

    def _add(self, draft: Draft, place: Place) -> None:
        self.gathering.add(replace(draft, prefix="TECH") if place.kind is Kind.TECHNICAL else draft)


def label_text(text: str, label: str) -> str:
    """A label as the text spells it."""
    at = text.lower().find(label)
    return text[at : at + len(label)] if at >= 0 else label


FORMAT = Format(
    "markdown", "Markdown: a product requirements document, a list of features or of boxes", recognises, read
)
