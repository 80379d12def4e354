"""How a file is changed in a few places: ranges of its bytes, every other byte as it was."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from prefect_swarm.core.document import Limits, Mark, Report
from prefect_swarm.core.tree import decode

BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Bytes from `start` up to `end` become `new`."""

    start: int
    end: int
    new: bytes


@dataclass(frozen=True)
class Script:
    """A file as text whose characters know their bytes."""

    content: bytes
    report: Report

    @classmethod
    def of(cls, content: bytes, name: str) -> "Script":
        """Decode a file; raises RequirementError where it is no text."""
        report = Report(name)
        report.text = decode(content, report, limits=Limits())
        return cls(content, report)

    @property
    def text(self) -> str:
        """The text, without byte order mark."""
        return self.report.text

    @property
    def newline(self) -> str:
        """How lines end in the file."""
        at = self.text.find("\n")
        return "\r\n" if at > 0 and self.text[at - 1] == "\r" else "\n"

    def index(self, mark: Mark) -> int:
        """The character at a place."""
        return self.report.index_of(mark)

    def edit(self, start: int, end: int, new: str) -> Edit:
        """Replace the characters from `start` up to `end`."""
        first = self._byte(start)
        return Edit(first, first + len(self.text[start:end].encode(self._coding[1])), new.encode(self._coding[1]))

    @cached_property
    def _coding(self) -> tuple[bytes, str]:
        return next(((bom, name) for bom, name in BOMS if self.content.startswith(bom)), (b"", "utf-8"))

    @cached_property
    def _lines(self) -> list[int]:
        """The byte at which each line begins."""
        bom, encoding = self._coding
        lines = (len(line.encode(encoding)) for line in self.text.splitlines(keepends=True))
        return list(accumulate(lines, initial=len(bom)))

    @cached_property
    def _starts(self) -> list[int]:
        """The character at which each line begins."""
        return list(accumulate((len(line) for line in self.text.splitlines(keepends=True)), initial=0))

    def _byte(self, index: int) -> int:
        line = bisect_right(self._starts, index) - 1
        return self._lines[line] + len(self.text[self._starts[line] : index].encode(self._coding[1]))


def apply_edits(content: bytes, edits: Iterable[Edit]) -> bytes:
    """The content with all edits made; they must not overlap."""
    parts: list[bytes] = []
    at = 0
    for edit in sorted(edits):
        parts += [content[at : edit.start], edit.new]
        at = edit.end
    return b"".join([*parts, content[at:]])
