"""How YAML, and JSON as its subset, becomes a node tree: parser events are counted first and built second.

PyYAML's own constructors are never used: they follow aliases without limit, build Python objects from tags, and read
YAML 1.1, in which `no` is a truth value and `12:30` is a number.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from prefect_swarm.core.document import Entry, Limits, Mapping, Mark, Node, Report, Scalar, Sequence, shorten

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}
COLLECTION_TAGS = {"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
ILLEGAL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNUSABLE = re.compile(r"[\0\ud800-\udfff]")

JSON_START = re.compile(r"\s*[{\[]")
JSON_TEXT = re.compile(
    r'"(?:[^"\\]+|\\.)*+"?', re.DOTALL
)  # possessive, and no closing quote needed: linear on any text
NOT_IN_YAML = re.compile(
    r"\\u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2})|(?P<raw>[\x7f-\x9f\u2028\u2029\ufffe\uffff])|\\.",
    re.IGNORECASE,
)


@dataclass
class Collection:
    """A list or mapping that is still open, with what it weighs so far."""

    kind: type[Sequence | Mapping]
    mark: Mark
    anchor: str | None
    children: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 1


@dataclass(frozen=True, slots=True)
class Weighed:
    """A finished node: how much it expands to and how deep it goes."""

    node: Node
    size: int
    height: int


@dataclass
class TreeBuilder:
    """Builds the tree from events; `size` counts nodes and characters, with aliases followed."""

    report: Report
    limits: Limits
    marks: "Marks"
    open: list[Collection] = field(default_factory=list)
    anchors: dict[str, Weighed] = field(default_factory=dict)
    root: Node | None = None
    nodes: int = 0
    aliases: int = 0
    written: int = 0
    expanded: int = 0

    def take(self, event: yaml.Event) -> None:
        """Take one event; raises RequirementError where a limit is reached."""
        match event:
            case yaml.ScalarEvent():
                self._count(event)
                self._take_scalar(event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._count(event)
                self._open(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._count(event)
                self._follow(event)
            case yaml.DocumentStartEvent() if self.root is not None:
                self.report.stop(self.marks.of(event), "a second document begins here; a file holds one")
            case _:
                pass

    def _count(self, event: yaml.Event) -> None:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.report.stop(self.marks.of(event), f"more than {self.limits.nodes} values; split the file")

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        mark = self.marks.of(event)
        if event.tag is not None and event.tag not in TEXT_TAGS:
            self.report.refuse(mark, f"the tag {shorten(event.tag)} is not read; write the plain value")
        if UNUSABLE.search(event.value):
            self.report.refuse(mark, "the text holds a NUL or half of a surrogate pair")
        plain = event.tag is None and event.implicit[0]
        size = 1 + len(event.value)
        self.written += size
        self._add(Weighed(Scalar(event.value, plain, mark), size, 1), event.anchor)

    def _open(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        mark = self.marks.of(event)
        if len(self.open) >= self.limits.depth:
            self.report.stop(mark, f"nested deeper than {self.limits.depth} levels")
        if event.tag is not None and event.tag not in COLLECTION_TAGS:
            self.report.refuse(mark, f"the tag {shorten(event.tag)} is not read; write the plain value")
        kind = Sequence if isinstance(event, yaml.SequenceStartEvent) else Mapping
        self.written += 1
        self.open.append(Collection(kind, mark, event.anchor))

    def _close(self) -> None:
        done = self.open.pop()
        node = Sequence(tuple(done.children), done.mark) if done.kind is Sequence else self._mapping(done)
        self._add(Weighed(node, done.size, done.height), done.anchor)

    def _follow(self, event: yaml.AliasEvent) -> None:
        mark, anchor = self.marks.of(event), event.anchor or ""
        self.aliases += 1
        self.written += 1
        if self.aliases > self.limits.aliases:
            self.report.stop(mark, f"more than {self.limits.aliases} aliases; write the values out")
        if any(one.anchor == anchor for one in self.open):
            self.report.stop(mark, f"*{shorten(anchor)} stands inside what it names")
        if anchor not in self.anchors:
            self.report.stop(mark, f"*{shorten(anchor)} names nothing; no &{shorten(anchor)} stands before it")
        named = self.anchors[anchor]
        self.expanded += named.size
        if len(self.open) + named.height > self.limits.depth + 1:
            self.report.stop(mark, f"nested deeper than {self.limits.depth} levels through aliases")
        if self.expanded > max(self.limits.expansion * self.written, self.limits.expansion_floor):
            self.report.stop(
                mark, f"aliases make the file over {self.limits.expansion} times larger; write the values out"
            )
        self._add(named, None)

    def _add(self, done: Weighed, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = done
        if not self.open:
            self.root = done.node
            return
        parent = self.open[-1]
        parent.children.append(done.node)
        parent.size += done.size
        parent.height = max(parent.height, done.height + 1)

    def _mapping(self, done: Collection) -> Mapping:
        entries: dict[str, Entry] = {}
        for key, value in zip(done.children[::2], done.children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.report.refuse(key.mark, "a key must be a text")
            elif key.plain and key.text == "<<":
                self.report.refuse(key.mark, "merge keys (<<) are not read; write the keys out")
            elif key.text in entries:
                first = self.report.place(entries[key.text].key.mark)
                self.report.refuse(key.mark, f"the key {shorten(key.text)!r} stands twice; first at {first}")
            else:
                entries[key.text] = Entry(key, value)
        return Mapping(tuple(entries.values()), done.mark)


@dataclass
class Marks:
    """Tells places in the file as it was given, though the parser may have seen some escapes written differently."""

    report: Report
    shifts: list[tuple[int, int]]
    """Index in the parsed text from which on so many characters are to be added."""

    def of(self, event: yaml.Event) -> Mark:
        """The place where an event starts."""
        return self.at(event.start_mark.index if event.start_mark else 0)

    def at(self, index: int) -> Mark:
        """The place of a character of the parsed text."""
        found = bisect_right(self.shifts, index, key=lambda shift: shift[0])
        original = index + (self.shifts[found - 1][1] if found else 0)
        return self.report.mark_at(min(original, len(self.report.text)))


def build_tree(content: bytes, report: Report, *, limits: Limits) -> Node | None:
    """Turn a file's bytes into its tree; None for an empty file.

    Fills the report's text. Raises RequirementError where reading cannot go on; what can be told without stopping (keys
    that stand twice, tags) is in the report.
    """
    report.text = decode(content, report, limits=limits)
    text, shifts = as_yaml(report.text)
    return parse_tree(text, Marks(report, shifts), limits=limits)


def parse_tree(text: str, marks: Marks, *, limits: Limits) -> Node | None:
    """Parse a text, all of a file or its beginning, into a tree whose places are told by `marks`."""
    if illegal := ILLEGAL.search(text):
        code = f"U+{ord(illegal[0]):04X}"
        marks.report.stop(
            marks.at(illegal.start()), f"the character {code} cannot stand in a file; escape or delete it"
        )
    builder = TreeBuilder(marks.report, limits, marks)
    for event in events_of(text, marks):
        builder.take(event)
    return builder.root


@dataclass(frozen=True, slots=True)
class Span:
    """Where a text ends, and whether it stands between brackets or braces."""

    end: Mark
    flow: bool


def spans_of(report: Report) -> dict[Mark, Span]:
    """Where each text of the report's YAML or JSON ends, by where it begins; it must have been read before."""
    text, shifts = as_yaml(report.text)
    marks = Marks(report, shifts)
    spans: dict[Mark, Span] = {}
    open_flows: list[bool] = []
    for event in events_of(text, marks):
        match event:
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                open_flows.append(bool(event.flow_style))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                open_flows.pop()
            case yaml.ScalarEvent() if event.end_mark:
                spans[marks.of(event)] = Span(marks.at(event.end_mark.index), bool(open_flows) and open_flows[-1])
            case _:
                pass
    return spans


def decode(content: bytes, report: Report, *, limits: Limits) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark, checking the size first."""
    if len(content) > limits.bytes:
        report.stop(Mark(1, 1), f"larger than {limits.bytes} bytes; split the file")
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        report.text = content[: error.start].decode(encoding, errors="replace")
        where = report.mark_at(len(report.text))
        report.stop(where, f"not {error.encoding.upper()}: {error.reason}; save the file as UTF-8")
    if text.count("\n") + text.count("\r") > limits.nodes:
        report.stop(Mark(1, 1), f"more than {limits.nodes} lines; split the file")
    return text


def events_of(text: str, marks: Marks) -> Iterator[yaml.Event]:
    """Yield the parser's events, its errors told in our words."""
    try:
        yield from yaml.parse(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.problem, error.context) if part)
        marks.report.stop(marks.at(where.index if where else 0), f"not YAML: {said}{_hint(error)}")
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the pure parser lets chr() of a huge escape fail
        marks.report.stop(Mark(1, 1), f"not YAML: {shorten(str(error))}")


def _hint(error: yaml.MarkedYAMLError) -> str:
    if "mapping values" in (error.problem or ""):
        return "; put quotes around a text that contains ': '"
    if "cannot start any token" in (error.problem or ""):
        return "; indent with spaces, and put quotes around a text that starts with a special character"
    return ""


def as_yaml(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Write the JSON that YAML parsers refuse or alter (surrogate pairs, raw line separators) as escapes they know.

    Texts that do not begin like JSON are returned as they are. The second value tells where indices shifted.
    """
    if not JSON_START.match(text):
        return text, []
    parts: list[str] = []
    shifts: list[tuple[int, int]] = []
    read = written = 0
    for start, end, replacement in _rewrites(text):
        parts += [text[read:start], replacement]
        written += start - read + len(replacement)
        read = end
        shifts.append((written, read - written))
    return "".join([*parts, text[read:]]), shifts


def _rewrites(text: str) -> Iterator[tuple[int, int, str]]:
    for quoted in JSON_TEXT.finditer(text):
        for found in NOT_IN_YAML.finditer(text, quoted.start(), quoted.end()):
            if found["high"]:
                pair = (int(found["high"], 16) - 0xD800) * 0x400 + int(found["low"], 16) - 0xDC00 + 0x10000
                yield found.start(), found.end(), f"\\U{pair:08X}"
            elif found["raw"]:
                yield found.start(), found.end(), f"\\u{ord(found['raw']):04X}"
