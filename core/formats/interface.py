"""What a format is: how sure it is that a document is written in it, and how it reads one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from prefect_swarm.core.document import LINE_BREAK, Limits, Mark, Node, Report
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.requirement import RequirementSet
from prefect_swarm.core.tomltree import build_toml_tree
from prefect_swarm.core.tree import JSON_START, build_tree, decode

TREES = {".yaml", ".yml", ".json", ".toml", ""}
"""Suffixes of files that are looked at as YAML, JSON or TOML, whatever they begin with."""


@dataclass(frozen=True)
class Document:
    """What was read from disk: one file, or a folder as its files by relative path (with `/`), in sorted order."""

    name: str
    """The path as the person wrote it; shown in positions."""
    files: Mapping[str, bytes]
    folder: bool = False
    limits: Limits = field(default_factory=Limits)
    is_part: bool = False
    """Whether it is one file of a folder that is read."""

    @classmethod
    def of(cls, content: bytes, name: str, limits: Limits | None = None) -> "Document":
        """The document that is one file."""
        return cls(name, {base_name(name): content}, limits=limits or Limits())

    @property
    def content(self) -> bytes:
        """The bytes of a file; none for a folder."""
        return b"" if self.folder else next(iter(self.files.values()))

    @property
    def base(self) -> str:
        """The last part of the name, in lower case."""
        return base_name(self.name).lower()

    @property
    def suffix(self) -> str:
        """The suffix in lower case, with its dot; empty for a folder."""
        return "" if self.folder else PurePosixPath(self.base).suffix

    @cached_property
    def text(self) -> str:
        """The text of a file with plain line ends, to be recognised by; empty for a folder and where it is no text."""
        try:
            text = "" if self.folder else decode(self.content, Report(self.name), limits=self.limits)
            return LINE_BREAK.sub("\n", text)
        except RequirementError:
            return ""

    @property
    def tree(self) -> Node | None:
        """The file as YAML or JSON, to be recognised by; None where it is none."""
        likely = not self.folder and (self.suffix in TREES or JSON_START.match(self.text))
        return self._parsed[0] if likely else None

    def decoded(self, report: Report) -> str:
        """The text of a file, which the report then knows; raises RequirementError where there is none."""
        report.text = decode(self.content, report, limits=self.limits)
        return report.text

    def parsed(self, report: Report) -> Node | None:
        """The file as YAML or JSON, None where it is empty; what is wrong with it is told to the report.

        Raises RequirementError where it cannot be read.
        """
        root, scratch, stopped = self._parsed
        report.absorb(scratch)
        if stopped:
            report.close()
        return root

    def part(self, path: str) -> "Document":
        """One file of the folder, as a document; read it with `report.inside(part.name)`."""
        if path not in self._parts:
            name = f"{self.name.rstrip('/')}/{path}"
            self._parts[path] = Document(name, {path: self.files[path]}, limits=self.limits, is_part=True)
        return self._parts[path]

    @cached_property
    def _parts(self) -> dict[str, "Document"]:
        return {}

    @cached_property
    def _parsed(self) -> tuple[Node | None, Report, bool]:
        """The tree, the report of its building, and whether that had to stop; built once, to recognise and to read."""
        scratch = Report(self.name, part=self.is_part)
        build = build_toml_tree if self.suffix == ".toml" else build_tree
        try:
            return build(self.content, scratch, limits=self.limits), scratch, False
        except RequirementError:
            return None, scratch, True


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write requirements down."""

    name: str
    """What `--input-format` calls it."""
    title: str
    """What it is called for people."""
    recognises: Callable[[Document], float]
    """How sure it is that the document is written in it, from 0 to 1; never raises, counts the file's name for little.

    By convention: 0 no; 0.1 the name alone speaks for it; 0.3 it could be anything of its kind (YAML, Markdown); 0.6 it
    is usual in this format; 0.9 nothing else is written so.
    """
    read: Callable[[Document, Report], RequirementSet]
    """Reads the document; raises RequirementError, and nothing else, with everything wrong in it."""


def base_name(name: str) -> str:
    """The last part of a path, whichever slash is used."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def refuse_folder(document: Document, report: Report, what: str) -> None:
    """Stop where a format that is one file is given a folder."""
    if document.folder:
        report.stop(Mark(1, 1), f"{what} is a file, and this is a folder; name the file")
