"""How requirements are found in Markdown that names them: whatever begins with an id of its own is one.

A heading, an item of a list, a row of a table or a paragraph can state a requirement. All else is kept as notes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from prefect_swarm.core.document import Mark, Scalar
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.markdown import Block, Item, Listing, Paragraph, Section, Table, Verbatim
from prefect_swarm.core.formats.noting import below, keep_blocks, texts_of, where
from prefect_swarm.core.formats.phrases import (
    CRITERIA_PREFIXES,
    NOTE_PREFIXES,
    TICK,
    Statement,
    accepted,
    accepted_of_item,
    bare_heading,
    flat,
    is_acceptance,
    label_of,
    priority_in,
    statement_of,
)
from prefect_swarm.core.formats.tables import Columns, row_draft
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Criterion, Priority, TextCriterion

STORY = re.compile(r"(?:user\s+)?story\s*#?(?P<number>\d{1,3})\b\s*[-:.\u2013\u2014]*\s*(?P<title>.*)", re.IGNORECASE)
PRIORITY = re.compile(r"\s*[\[(]?\s*priority\s*:?\s*(?P<said>[^)\]]{1,40})[)\]]?", re.IGNORECASE)
STORIES = "user_stories"


@dataclass
class StatementReader:
    """Collects what a document states; stories without such an id are kept aside."""

    gathering: Gathering
    stories: list[Draft] = field(default_factory=list)
    priority: Priority | None = None
    """What headings above say."""

    def section(self, section: Section, path: tuple[str, ...] = ()) -> None:
        """Read a section and those below it."""
        here, outer = below(path, section), self.priority
        stated = self._stated(bare_heading(section.title), section.mark) if section.level > 1 else None
        if stated and not _holds_others(section, stated):
            self._section(section, stated, path)
            return
        self.priority = priority_in(section.title) or outer
        story = STORY.match(bare_heading(section.title)) if section.level > 1 else None
        if story:
            self._story(section, story, here)
        else:
            self._blocks(section.blocks, here)
        for one in section.sections:
            self.section(one, here)
        self.priority = outer

    def _stated(self, text: str, mark: Mark) -> Statement | None:
        tick = TICK.match(text)
        found = statement_of(text[tick.end() :] if tick else text, mark)
        return None if found is None or found.prefix in CRITERIA_PREFIXES | NOTE_PREFIXES else found

    def _section(self, section: Section, stated: Statement, path: tuple[str, ...]) -> None:
        end = next(
            (at for at, one in enumerate(section.blocks) if self._states_other(one, stated)), len(section.blocks)
        )
        own, text = section, section.written
        if end < len(section.blocks):
            own = replace(section, blocks=section.blocks[:end])
            text = "\n\n".join(str(said) for block in own.blocks for said in texts_of(block))
        criteria = (*accepted(own)[0], *_inner_criteria(own, stated))
        title = PRIORITY.sub("", stated.text).strip()
        self._add(stated, title, text or title, criteria=criteria, path=path)
        self._blocks(section.blocks[end:], path)

    def _states_other(self, block: Block, stated: Statement) -> bool:
        """Whether a block states a requirement that is no part of the one whose section it stands in."""
        texts: list[str] = []
        match block:
            case Listing(items=items):
                texts = [item.text for item in items]
            case Table(rows=rows):
                texts = [cell for row in rows for cell in row.cells[:1]]
            case Paragraph(text=text):
                texts = [text]
            case Verbatim():
                pass
        found = (self._stated(text, block.mark) for text in texts)
        return any(one and one.id.text != stated.id.text and not _is_part(one, stated) for one in found)

    def _story(self, section: Section, found: re.Match[str], path: tuple[str, ...]) -> None:
        criteria, rest = accepted(section)
        others = [block for block in rest if not self._states(block)]
        texts: list[JsonValue] = [text for block in others for text in texts_of(block)]
        said = PRIORITY.search(section.title)
        story: dict[str, JsonValue] = {
            "title": section.title,
            "priority": said["said"].strip() if said else None,
            "text": texts,
            "acceptance": [one.text for one in criteria if isinstance(one, TextCriterion)],
        }
        self.gathering.note(STORIES, story)
        name = Scalar(f"US{found['number']}", False, section.mark)
        draft = Draft(
            section.mark,
            flat(PRIORITY.sub("", found["title"])) or section.title,
            section.body or section.title,
            id=name,
            priority=self.priority or Priority.MEDIUM,
            acceptance=criteria,
        )
        self.stories.append(draft)
        self._blocks([block for block in rest if self._states(block)], path)

    def _states(self, block: Block) -> bool:
        """Whether a block states a requirement, itself or in one of its items or rows."""
        match block:
            case Listing(items=items):
                return any(self._stated(item.text, item.mark) for item in items)
            case Table(rows=rows):
                return any(self._stated(cell, row.mark) for row in rows for cell in row.cells[:2])
            case Paragraph(text=text, mark=mark):
                return self._stated(text, mark) is not None
            case Verbatim():
                return False

    def _blocks(self, blocks: Sequence[Block], path: tuple[str, ...]) -> None:
        at = 0
        while at < len(blocks):
            block = blocks[at]
            end = at + 1
            match block:
                case Paragraph(text=text, mark=mark) if stated := self._stated(text, mark):
                    end = self._end_of(blocks, at)
                    self._paragraph(stated, blocks[at:end], path)
                case Listing(items=items) if self._states(block):
                    for item in items:
                        self._item(item, path)
                case Table() if self._states(block):
                    self._table(block, path)
                case _:
                    keep_blocks([block], self.gathering, path)
            at = end

    def _end_of(self, blocks: Sequence[Block], start: int) -> int:
        """Where the blocks end that belong to the paragraph at `start`."""
        for at in range(start + 1, len(blocks)):
            if self._states(blocks[at]):
                return at
        return len(blocks)

    def _paragraph(self, stated: Statement, blocks: Sequence[Block], path: tuple[str, ...]) -> None:
        inner = Section(stated.id.mark, 0, "", blocks=list(blocks[1:]))
        texts = (str(text) for block in blocks[1:] for text in texts_of(block))
        self._add(
            stated,
            stated.text.split("\n", 1)[0],
            "\n\n".join((stated.text, *texts)),
            criteria=accepted(inner)[0],
            path=path,
        )

    def _item(self, item: Item, path: tuple[str, ...]) -> None:
        stated = self._stated(item.text, item.mark)
        if stated is None:
            self.gathering.note(where(path), item.written)
            return
        below_it = item.written[len(item.text) :] if item.written.startswith(item.text) else ""
        tick = TICK.match(item.text)
        self._add(
            stated,
            stated.text,
            stated.text + below_it,
            criteria=accepted_of_item(item),
            path=path,
            done=bool(tick and tick["mark"] in "xX✓✔✅" and tick["mark"]),
        )

    def _table(self, table: Table, path: tuple[str, ...]) -> None:
        columns = Columns.of(table)
        for row in table.rows:
            stated = next((one for cell in row.cells[:2] if (one := self._stated(cell, row.mark))), None)
            if stated is None:
                self.gathering.note(where(path), dict(zip(table.header, row.cells, strict=False)))
                continue
            draft, said = row_draft(row, columns)
            self.gathering.add(replace(draft, id=stated.id, category=draft.category or _last(path)), said)

    def _add(
        self,
        stated: Statement,
        title: str,
        text: str,
        *,
        criteria: tuple[Criterion, ...],
        path: tuple[str, ...],
        done: bool = False,
    ) -> None:
        priority = priority_in(title) or priority_in(text) or self.priority or Priority.MEDIUM
        self.gathering.add(
            Draft(
                stated.id.mark,
                flat(title) or stated.id.text,
                text.strip() or stated.id.text,
                id=stated.id,
                priority=priority,
                acceptance=criteria,
                category=_last(path),
                done=done,
            )
        )


def _last(path: tuple[str, ...]) -> str:
    return path[-1] if path else ""


def _holds_others(section: Section, stated: Statement) -> bool:
    """Whether headings below one with an id state requirements that are not parts of it."""
    titles = (statement_of(bare_heading(one.title), one.mark) for one in list(section.walk())[1:])
    return any(one and one.prefix not in CRITERIA_PREFIXES and not _is_part(one, stated) for one in titles)


def _is_part(inner: Statement, outer: Statement) -> bool:
    return inner.id.text.startswith((f"{outer.id.text}.", f"{outer.id.text}-"))


def _inner_criteria(section: Section, stated: Statement) -> tuple[Criterion, ...]:
    """What a section with an id states in its lists: the parts of the requirement."""
    criteria: list[Criterion] = []
    announced = False
    for block in (block for one in section.walk() if not is_acceptance(one.title) for block in one.blocks):
        if isinstance(block, Listing) and not announced:
            parts = [(item, statement_of(item.text, item.mark)) for item in block.items]
            criteria += [
                TextCriterion(text=item.written) for item, part in parts if part and part.id.text != stated.id.text
            ]
        announced = isinstance(block, Paragraph) and is_acceptance(label_of(block.text)[0])
    return tuple(criteria)
