"""How a table of separated values becomes rows of cells with their places (RFC 4180, and what spreadsheets write)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prefect_swarm.core.document import Report, Scalar

QUOTED = re.compile(r'[ ]*+"((?:[^"]++|"")*+)"')
MAX_CELLS = 100_000
"""How many cells can be read well within a second."""
LINE_END = re.compile(r"\r\n|\r|\n")

Row = tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A text with the sign between its cells."""

    text: str
    separator: str
    report: Report
    most: int = MAX_CELLS

    def rows(self, start: int = 0) -> Iterator[Row]:
        """The rows that hold anything, lazily; raises RequirementError for a quote that is never closed."""
        plain = re.compile(f"[^{re.escape(self.separator)}\r\n]*+")
        cells: list[Scalar] = []
        count, at = 0, start
        while at <= len(self.text):
            cell, at = self._cell(at, plain)
            cells.append(cell)
            count += 1
            if count > self.most:
                self.report.stop(cell.mark, f"more than {self.most} cells; split the file")
            if self.text[at : at + 1] == self.separator:
                at += 1
                continue
            if any(one.text.strip() for one in cells):
                yield tuple(cells)
            cells = []
            ended = LINE_END.match(self.text, at)
            at = ended.end() if ended else len(self.text) + 1

    def _cell(self, at: int, plain: re.Pattern[str]) -> tuple[Scalar, int]:
        mark = self.report.mark_at(at)
        quoted = QUOTED.match(self.text, at)
        if quoted is None:
            found = plain.match(self.text, at)
            text = found[0] if found else ""
            if text.lstrip(" ").startswith('"'):
                self.report.stop(mark, "a quote is opened here and never closed")
            return Scalar(text, True, mark), at + len(text)
        rest = plain.match(self.text, quoted.end())
        after = rest[0] if rest else ""
        inner = LINE_END.sub("\n", quoted[1].replace('""', '"'))
        return Scalar(inner + after.rstrip(), False, mark), quoted.end() + len(after)
