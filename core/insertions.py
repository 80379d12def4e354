"""How a key comes into a requirement of a YAML or JSON file without touching anything else of it."""

import re
from collections.abc import Mapping as Lookup
from dataclasses import dataclass

from prefect_swarm.core.document import Mapping, Mark, Node, Scalar
from prefect_swarm.core.edits import Edit, Script
from prefect_swarm.core.formats.items import first_line
from prefect_swarm.core.formats.vocabulary import meant_done
from prefect_swarm.core.scalars import truth_of
from prefect_swarm.core.tree import Span, spans_of

DASHED = re.compile(r"[ ]*(?:-[ ]+)+")
KEYED = re.compile(r"([ ]*(?:-[ ]+)*)(?:[^\s\"'\[{,][^\n\"]*?|\"[^\"\n]*\"|'[^'\n]*')[ ]*:[ ]+")


@dataclass(frozen=True)
class Writer:
    """Finds the edits of one YAML or JSON file."""

    script: Script
    spans: Lookup[Mark, Span]

    @classmethod
    def of(cls, content: bytes, name: str) -> "Writer":
        """A writer of the file; raises RequirementError where it is no text."""
        script = Script.of(content, name)
        return cls(script, spans_of(script.report))

    def insert(self, node: Node, key: str, value: str) -> list[Edit]:
        """Give a requirement a key; no edits where that cannot be done by adding only."""
        return self._into_mapping(node, key, value) if isinstance(node, Mapping) else self._around(node, key, value)

    def finish(self, node: Node, *, status: str = "") -> list[Edit]:
        """Mark a requirement as done: by its `status` or `done`, else by a new key (`done: true`, or that status)."""
        said = node.find("status") if isinstance(node, Mapping) else None
        if said and isinstance(said.value, Scalar) and (status or meant_done(said.value.text) is False):
            return self._replace(said.value, "done")
        done = node.find("done") if isinstance(node, Mapping) else None
        if done and isinstance(done.value, Scalar) and truth_of(done.value) is False:
            return self._replace(done.value, "true")
        return self.insert(node, *(("status", f'"{status}"') if status else ("done", "true")))

    def _replace(self, old: Scalar, new: str) -> list[Edit]:
        start, end = self.script.index(old.mark), self._end(old)
        if end is None:
            return []
        quoted = self.script.text[start] in "\"'" and end - start > 1
        inner = (start + 1, end - 1) if quoted else (start, start + len(old.text))
        return [self.script.edit(*inner, new)]

    def _end(self, node: Scalar) -> int | None:
        span = self.spans.get(node.mark)
        return self.script.index(span.end) if span else None

    def _into_mapping(self, node: Mapping, key: str, value: str) -> list[Edit]:
        text, start = self.script.text, self.script.index(node.mark)
        if not node.entries:
            return []
        first = self.script.index(node.entries[0].key.mark)
        if text[start] == "{":
            between = text[start + 1 : first]
            said = f'"{key}": {_quoted(value)},' if text[first] == '"' else f"{key}: {value},"
            return [self.script.edit(first, first, said + (between if between.isspace() else " "))]
        if start != first:
            return []
        at = self.script.index(node.entries[1].key.mark) if key != "id" and len(node.entries) > 1 else first
        return [self.script.edit(at, at, f"{key}: {value}{self.script.newline}{' ' * (node.mark.column - 1)}")]

    def _around(self, node: Node, key: str, value: str) -> list[Edit]:
        """Make a mapping of a text: the key goes before it, and it becomes the title."""
        span = self.spans.get(node.mark)
        if span is None or not isinstance(node, Scalar):
            return []
        start, end = self.script.index(node.mark), self.script.index(span.end)
        line = self.script.text[start - node.mark.column + 1 : start]
        name = "title" if node.text == first_line(node.text) else "description"
        if span.flow:
            return self._in_flow(start, end, (key, value), name)
        if DASHED.fullmatch(line):
            lead = f"{key}: {value}{self.script.newline}{' ' * len(line)}{name}: "
            deeper = len(line) - line.rindex("-")
        elif (keyed := KEYED.fullmatch(line)) is not None:
            deeper = 2
            pad = self.script.newline + " " * (len(keyed[1]) + deeper)
            lead = f"{pad}{key}: {value}{pad}{name}: "
        else:
            return []
        return [self.script.edit(start, start, lead), *self._deeper(start, end, deeper)]

    def _in_flow(self, start: int, end: int, said: tuple[str, str], name: str) -> list[Edit]:
        quoted = self.script.text[start] == '"'
        key, value = said
        lead = f'{{"{key}": {_quoted(value)}, "{name}": ' if quoted else f"{{{key}: {value}, {name}: "
        return [self.script.edit(start, start, lead), self.script.edit(end, end, "}")]

    def _deeper(self, start: int, end: int, by: int) -> list[Edit]:
        """Indent the further lines of a text, so that they still stand deeper than its key."""
        text = self.script.text
        starts = [found.end() for found in re.finditer(r"\r\n|\r|\n", text[:end]) if found.end() > start]
        filled = [at for at in starts if at < end and text[at] not in "\r\n"]
        return [self.script.edit(at, at, " " * by) for at in filled]


def _quoted(value: str) -> str:
    return value if value in {"true", "false"} or value.startswith('"') else f'"{value}"'
