"""How requirements come from disk: a file, or the files of a folder, never more than may be read."""

import os
from collections.abc import Iterator
from pathlib import Path

from prefect_swarm.core.document import Limits
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.formats.interface import Document

MAX_FILES = 5000
MAX_DEPTH = 8
TEXTS = {
    ".md",
    ".markdown",
    ".yaml",
    ".yml",
    ".json",
    ".toml",
    ".csv",
    ".tsv",
    ".txt",
    ".sdoc",
    ".reqif",
    ".xml",
    ".rst",
}
SKIPPED = {".git", ".hg", ".venv", "node_modules", "__pycache__"}


def document_at(path: Path, *, name: str = "") -> Document:
    """Read a file or a folder, which positions call `name`; raises UsageError where it cannot be read or is too much.

    Of a folder the files that may hold requirements are read, 5,000 of them and 8 MiB at most; links are not followed.
    """
    if path.is_dir():
        return Document(name or str(path), _files_below(path), folder=True)
    return Document.of(_bytes(path, Limits().bytes + 1), name or str(path))


def _files_below(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    left = Limits().bytes
    for path in _texts_below(folder, MAX_DEPTH):
        content = _bytes(path, left + 1)
        left -= len(content)
        if left < 0 or len(files) >= MAX_FILES:
            most = f"{MAX_FILES} files or {Limits().bytes} bytes"
            raise UsageError(f"{folder} holds more than {most} of text; name a file, or the folder of one document")
        files[path.relative_to(folder).as_posix()] = content
    return files


def _texts_below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        if entry.is_file(follow_symlinks=False) and Path(entry.name).suffix.lower() in TEXTS:
            yield Path(entry.path)
        elif entry.is_dir(follow_symlinks=False) and entry.name not in SKIPPED and depth:
            yield from _texts_below(Path(entry.path), depth - 1)


def _bytes(path: Path, most: int) -> bytes:
    """A file's bytes, at most so many."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
