"""How StrictDoc's `.sdoc` becomes blocks: `[TAG]`, and below it fields of a line, of a text (`>>>`) or of lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from prefect_swarm.core.document import LINE_BREAK, Mark, Report, Scalar, shorten

HEAD = re.compile(r"(\[\[?)(/?)([A-Z][A-Z0-9_]*)\]\]?[ \t]*")
FIELD = re.compile(r"([A-Z][A-Za-z0-9_-]*):(?:[ \t]+(.*))?")
MAX_LINES = 50_000
"""How many lines can be taken apart well within a second."""
OPEN, CLOSE = ">>>", "<<<"
FREE = "FREETEXT"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its text, and the indented lines below it where it has no text of its own."""

    name: str
    value: Scalar
    lines: tuple[Scalar, ...] = ()


@dataclass(slots=True)
class Block:
    """One block; `closing` for `[[/TAG]]`, `composite` where other blocks stand inside it."""

    tag: str
    mark: Mark
    composite: bool = False
    closing: bool = False
    fields: list[Field] = field(default_factory=list[Field])

    def find(self, *names: str) -> Scalar | None:
        """The first field of one of these names that says something."""
        return next((one.value for one in self.fields if one.name in names and one.value.text.strip()), None)

    def text(self, *names: str) -> str:
        """The text of the first field of one of these names."""
        found = self.find(*names)
        return found.text.strip() if found else ""


@dataclass(slots=True)
class Lines:
    """The lines of a text, walked once."""

    lines: list[str]
    starts: list[int]
    """The index in the text at which each line begins."""
    report: Report
    at: int = 0

    @property
    def mark(self) -> Mark:
        """The place of the line that was taken last."""
        return self.report.mark_at(self.starts[self.at - 1])

    def __iter__(self) -> Iterator[str]:
        """Yield the lines that are left."""
        while self.at < len(self.lines):
            self.at += 1
            yield self.lines[self.at - 1]

    def until(self, end: str) -> str:
        """The text up to the line that begins with `end`; stops the reading where none does."""
        start = self.at
        for line in self:
            if line.startswith(end):
                return "\n".join(self.lines[start : self.at - 1])
        where = self.report.mark_at(self.starts[start - 1])
        return self.report.stop(where, f"the text that begins here is not closed with {end}")

    def nested(self) -> Iterator[Scalar]:
        """The lines that belong to the field before them: indented ones and items of a list."""
        while self.at < len(self.lines) and self.lines[self.at].startswith((" ", "\t", "- ")):
            self.at += 1
            yield Scalar(self.lines[self.at - 1], True, self.mark)


def blocks_of(report: Report) -> list[Block]:
    """The blocks of the report's text; raises RequirementError where a text is not closed or the lines are too many."""
    if report.text.count("\n") + report.text.count("\r") > MAX_LINES:
        report.stop(Mark(1, 1), f"more than {MAX_LINES} lines; split the file")
    lines = lines_of(report)
    blocks: list[Block] = []
    for line in lines:
        head = HEAD.fullmatch(line)
        if head:
            block = Block(head[3], lines.mark, composite=head[1] == "[[", closing=bool(head[2]))
            if head[3] == FREE and not block.closing:
                text = lines.until(f"[/{FREE}]")
                block.fields.append(Field("STATEMENT", Scalar(text, False, block.mark)))
            blocks.append(block)
        elif line.strip():
            _take(line, lines, blocks)
    return blocks


def lines_of(report: Report) -> Lines:
    """The lines of the report's text, with where they begin."""
    ends = [(found.start(), found.end()) for found in LINE_BREAK.finditer(report.text)]
    starts = [0, *(end for _, end in ends)]
    stops = [*(start for start, _ in ends), len(report.text)]
    return Lines([report.text[a:b] for a, b in zip(starts, stops, strict=True)], starts, report)


def _take(line: str, lines: Lines, blocks: list[Block]) -> None:
    found = FIELD.fullmatch(line)
    mark = lines.mark
    if found is None or not blocks:
        lines.report.refuse(
            mark, f"{shorten(line)!r} is neither a field (NAME: value) nor the head of a block ([NAME])"
        )
        return
    value = (found[2] or "").strip()
    if value.startswith(OPEN):
        field_read = Field(found[1], Scalar(lines.until(CLOSE), False, mark))
    else:
        field_read = Field(found[1], Scalar(value, True, mark), () if value else tuple(lines.nested()))
    blocks[-1].fields.append(field_read)
