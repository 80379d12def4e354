"""How TOML becomes a node tree: `tomllib` says what it means, and a second look says where each value stands.

Neither `tomllib` nor `tomlkit` tells positions. The second look sees valid TOML only, so it needs no
grammar of its own.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from prefect_swarm.core.document import Entry, Limits, Mapping, Mark, Node, Report, Scalar, Sequence, shorten
from prefect_swarm.core.tree import UNUSABLE, decode

MAX_BYTES = 256 * 1024
"""How much `tomllib`, which is written in Python, reads well within a second."""
DOTTED = re.compile(r"""(?<![A-Za-z0-9_"'-])(?:[A-Za-z0-9_"'-]++[ \t]*+\.[ \t]*+){64}""")
"""A key of so many parts takes `tomllib` time that grows with the square of their number."""
SKIPPED = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
BLANKS = re.compile(r"[ \t]*+")
STRING = re.compile(
    r"""\"{3}(?:[^"\\]++|\\.|""?(?!"))*+"{3,5}|'{3}(?:[^']++|''?(?!'))*+'{3,5}"""
    r"""|"(?:[^"\\]++|\\.)*+"|'[^']*+'""",
    re.DOTALL,
)
KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\]++|\\.)*+"|'[^']*+'""")
BARE = re.compile(r"[^,\]}#\r\n]++")
PLACE = re.compile(r"at line (\d+), column (\d+)")

Path = tuple[str | int, ...]


@dataclass
class Places:
    """Where keys and values of a text stand, by their path from the top."""

    text: str

    keys: dict[Path, int] = field(default_factory=dict)
    starts: dict[Path, int] = field(default_factory=dict)
    raw: dict[Path, str] = field(default_factory=dict)
    """Numbers, dates and truth values as they are written."""
    counts: dict[Path, int] = field(default_factory=dict)
    """How many tables of an array of tables have begun."""

    def find(self) -> None:
        """Walk the text once."""
        at, table = self._skip(0), ()
        while at < len(self.text):
            if self.text[at] == "[":
                at, table = self._header(at)
            else:
                at = self._pair(at, table)
            at = self._skip(at)

    def _skip(self, at: int) -> int:
        found = SKIPPED.match(self.text, at)
        return found.end() if found else at

    def _header(self, at: int) -> tuple[int, Path]:
        is_list = self.text.startswith("[[", at)
        parts, end = self._key(self._skip(at + (2 if is_list else 1)))
        path = self._walk((), parts[:-1])
        name, start = parts[-1]
        path = (*path, name)
        self.keys.setdefault(path, start)
        if is_list:
            self.starts.setdefault(path, at)
            self.counts[path] = self.counts.get(path, 0) + 1
            path = (*path, self.counts[path] - 1)
        elif path in self.counts:
            path = (*path, self.counts[path] - 1)
        self.starts.setdefault(path, at)
        return self.text.index("]", self._skip(end)) + (2 if is_list else 1), path

    def _walk(self, path: Path, parts: list[tuple[str, int]]) -> Path:
        """Follow the keys before the last one, into the newest table of an array of tables."""
        for name, start in parts:
            path = (*path, name)
            self.keys.setdefault(path, start)
            self.starts.setdefault(path, start)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def _pair(self, at: int, table: Path) -> int:
        parts, end = self._key(at)
        name, start = parts[-1]
        path = (*self._walk(table, parts[:-1]), name)
        self.keys.setdefault(path, start)
        return self._value(self._skip(self.text.index("=", end) + 1), path)

    def _key(self, at: int) -> tuple[list[tuple[str, int]], int]:
        parts: list[tuple[str, int]] = []
        while found := KEY.match(self.text, at):
            parts.append((_name(found[0]), at))
            blank = BLANKS.match(self.text, found.end())
            at = blank.end() if blank else found.end()
            if not self.text.startswith(".", at):
                break
            blank = BLANKS.match(self.text, at + 1)
            at = blank.end() if blank else at + 1
        return parts, at

    def _value(self, at: int, path: Path) -> int:
        self.starts[path] = at
        if string := STRING.match(self.text, at):
            return string.end()
        if self.text[at] == "[":
            return self._list(at, path)
        if self.text[at] == "{":
            return self._inline(at, path)
        bare = BARE.match(self.text, at)
        self.raw[path] = bare[0].strip() if bare else ""
        return bare.end() if bare else at + 1

    def _list(self, at: int, path: Path) -> int:
        at, index = self._skip(at + 1), 0
        while self.text[at] != "]":
            at = self._skip(self._value(at, (*path, index)))
            index += 1
            if self.text[at] == ",":
                at = self._skip(at + 1)
        return at + 1

    def _inline(self, at: int, path: Path) -> int:
        at = self._skip(at + 1)
        while self.text[at] != "}":
            at = self._skip(self._pair(at, path))
            if self.text[at] == ",":
                at = self._skip(at + 1)
        return at + 1


def _name(written: str) -> str:
    """What a key means: the escapes of a quoted one are read by `tomllib`."""
    return next(iter(tomllib.loads(f"{written} = 0"))) if written[0] in "\"'" else written


@dataclass
class Builder:
    """Makes nodes of values and places."""

    report: Report
    places: Places
    limits: Limits
    nodes: int = 0

    def node(self, value: object, path: Path) -> Node:
        """The node at a path; raises RequirementError where a limit is reached."""
        mark = self.mark(self.places.starts.get(path, 0))
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.report.stop(mark, f"more than {self.limits.nodes} values; split the file")
        if len(path) > self.limits.depth:
            self.report.stop(mark, f"nested deeper than {self.limits.depth} levels")
        match value:
            case dict():
                return Mapping(tuple(self.entries(cast("dict[str, object]", value), path)), mark)
            case list():
                inner = enumerate(cast("list[object]", value))
                return Sequence(tuple(self.node(one, (*path, at)) for at, one in inner), mark)
            case str():
                if UNUSABLE.search(value):
                    self.report.refuse(mark, "the text holds a NUL or half of a surrogate pair")
                return Scalar(value, False, mark)
            case int() if not isinstance(value, bool):
                return Scalar(str(value), True, mark)
            case _:
                return Scalar(self.places.raw.get(path, str(value).lower()), True, mark)

    def entries(self, value: dict[str, object], path: Path) -> Iterator[Entry]:
        """The entries of a table."""
        for name, inner in value.items():
            below = (*path, name)
            key = Scalar(name, False, self.mark(self.places.keys.get(below, 0)))
            yield Entry(key, self.node(inner, below))

    def mark(self, index: int) -> Mark:
        """The place of a character."""
        return self.report.mark_at(index)


def build_toml_tree(content: bytes, report: Report, *, limits: Limits) -> Node | None:
    """Turn a TOML file's bytes into its tree; None for an empty file. Raises RequirementError for what is no TOML."""
    if len(content) > MAX_BYTES:
        report.stop(Mark(1, 1), f"larger than {MAX_BYTES} bytes, the most that is read of TOML; split the file")
    report.text = decode(content, report, limits=limits)
    if dotted := DOTTED.search(report.text):
        report.stop(report.mark_at(dotted.start()), "a key of more than 64 parts")
    places = Places(report.text)
    try:
        values = tomllib.loads(report.text)
        places.find()
    except tomllib.TOMLDecodeError as error:
        found = PLACE.search(str(error))
        where = Mark(int(found[1]), int(found[2])) if found else report.mark_at(len(report.text))
        report.stop(where, f"not TOML: {PLACE.sub('', str(error)).replace('()', '').strip()}")
    except (ValueError, RecursionError) as error:  # a number of many digits; nesting
        report.stop(Mark(1, 1), f"not readable TOML: {shorten(str(error))}")
    return Builder(report, places, limits).node(values, ()) if values else None
