"""What stands where in a file: nodes with positions, and a report that collects every problem before it refuses."""

import re
from bisect import bisect_right
from collections.abc import Sequence as Ordered
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Never

from prefect_swarm.core.errors import Problem, RequirementError
from prefect_swarm.core.requirement import Source

EXCERPT_WIDTH = 120
QUOTE_WIDTH = 60
MAX_PROBLEMS = 100
MAX_CANDIDATES = 2000
LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may ask of its reader; checked on parser events, before anything is built."""

    bytes: int = 8 * 1024 * 1024
    depth: int = 64
    nodes: int = 500_000
    aliases: int = 100
    expansion: int = 10
    """How many times larger than written the file may become when its aliases are followed."""
    expansion_floor: int = 10_000
    """Nodes and characters that a file may always expand to, so that small files may share what they like."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; both count from 1, a column is a character."""

    line: int
    column: int
    file: str = ""
    """The file of a folder; empty where only one file is read."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as the parser gives it; `plain` when it stood there without quotes or tag."""

    text: str
    plain: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Entry:
    """One key and what it holds."""

    key: Scalar
    value: "Node"

    @property
    def name(self) -> str:
        """The key's text."""
        return self.key.text


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the file; no key stands twice."""

    entries: tuple[Entry, ...]
    mark: Mark

    def find(self, *names: str) -> Entry | None:
        """The first entry with one of the names, or None."""
        return next((entry for entry in self.entries if entry.name in names), None)


Node = Scalar | Sequence | Mapping


def count(number: int, thing: str) -> str:
    """A number of things, in words."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def shorten(text: str) -> str:
    """Show a text of any length and any characters on one line."""
    line = "".join(one if one.isprintable() else " " for one in text[: QUOTE_WIDTH + 1]).strip()
    return line if len(text) <= QUOTE_WIDTH else line[:QUOTE_WIDTH] + "…"


def did_you_mean(word: str, known: Ordered[str]) -> str:
    """Say `; did you mean X?`, or nothing where no known word is close."""
    found = get_close_matches(word[:QUOTE_WIDTH], known[:MAX_CANDIDATES], n=1)
    return f"; did you mean {found[0]}?" if found else ""


@dataclass
class Told:
    """What all reports of one reading have told so far; shared by the report of a folder and those of its files."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[tuple[Mark, str]] = field(default_factory=list)
    uncounted: int = 0
    files: dict[str, "Report"] = field(default_factory=dict)


@dataclass
class Report:
    """Everything wrong with, and odd about, what is read; refuses it at the end, with all problems at once."""

    file: str
    text: str = ""
    told: Told = field(default_factory=Told)
    part: bool = False
    """Whether the file is one of a folder; its marks name it."""

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in LINE_BREAK.finditer(self.text))]

    @property
    def refused(self) -> bool:
        """Whether the file is unusable already."""
        return bool(self.told.problems)

    @property
    def crowded(self) -> bool:
        """Whether so much is wrong that further problems are only counted."""
        return len(self.told.problems) >= MAX_PROBLEMS

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should look at, as `file:line:column: message`, in the order of the file."""
        rest = len(self.told.warnings) - MAX_PROBLEMS
        more = (f"{self.file}: and {rest} more warnings",) if rest > 0 else ()
        shown = sorted(self.told.warnings[:MAX_PROBLEMS], key=lambda one: (one[0].file, *one))
        return (*(f"{self.place(mark)}: {said}" for mark, said in shown), *more)

    def inside(self, file: str) -> "Report":
        """The report of one file of the folder that this one is about; what it tells is told here."""
        return self.told.files.setdefault(file, Report(file, told=self.told, part=True))

    def absorb(self, other: "Report") -> None:
        """Take over the text of a report about the same file, and all that it told."""
        self.text = other.text
        for problem in other.told.problems:
            self._add(problem)
        self.told.uncounted += other.told.uncounted
        self.told.warnings += other.told.warnings

    def mark_at(self, index: int) -> Mark:
        """The place of the character with that index."""
        line = bisect_right(self._starts, index)
        return Mark(line, index - self._starts[line - 1] + 1, self.file if self.part else "")

    def index_of(self, mark: Mark) -> int:
        """The character at a place; the reverse of `mark_at`."""
        return self._starts[mark.line - 1] + mark.column - 1

    def place(self, mark: Mark) -> str:
        """The place in words: `file:line:column`."""
        return f"{mark.file or self.file}:{mark.line}:{mark.column}"

    def source(self, mark: Mark) -> Source:
        """The place, for a value that outlives the reading."""
        return Source(file=mark.file or self.file, line=mark.line, column=mark.column)

    def refuse(self, mark: Mark, message: str) -> None:
        """Note what makes the file unusable; where too much is wrong, only count it."""
        where = self.told.files.get(mark.file, self)
        excerpt = "" if self.crowded else where.excerpt(mark)
        self._add(Problem(message, where.file, mark.line, mark.column, excerpt))

    def warn(self, mark: Mark, message: str) -> None:
        """Note what a person should look at."""
        shown = Mark(mark.line, mark.column, self.file) if self.part else mark
        self.told.warnings.append((shown, message))

    def stop(self, mark: Mark, message: str) -> Never:
        """Refuse the file at once, where reading cannot go on; raises RequirementError with every problem so far."""
        self.refuse(mark, message)
        raise self._error()

    def close(self) -> None:
        """Raise RequirementError with every problem if anything was refused."""
        if self.told.problems:
            raise self._error()

    def excerpt(self, mark: Mark) -> str:
        """The line at that place, or the part of it around the place, without what a terminal would act upon."""
        if not self.text:
            return ""
        start = self._starts[mark.line - 1]
        end = self._starts[mark.line] if mark.line < len(self._starts) else len(self.text)
        skipped = max(0, mark.column - EXCERPT_WIDTH // 2) if end - start > EXCERPT_WIDTH else 0
        part = self.text[start + skipped : min(end, start + skipped + EXCERPT_WIDTH)]
        return "".join(one if one.isprintable() else " " for one in part).rstrip()

    def _add(self, problem: Problem) -> None:
        if self.crowded:
            self.told.uncounted += 1
        else:
            self.told.problems.append(problem)

    def _error(self) -> RequirementError:
        problems, uncounted = self.told.problems, self.told.uncounted
        if not uncounted:
            return RequirementError(tuple(problems))
        last = max(problems, key=lambda one: (one.file, one.line, one.column))
        more = Problem(f"and {uncounted} more problems", last.file, last.line, last.column)
        return RequirementError((*problems, more))
