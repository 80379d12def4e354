"""Where an attempt works, and which files it touched there."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from prefect_swarm.core.events import FileChange

IGNORED = frozenset(
    {".git", "__pycache__", ".venv", "node_modules", "checkpoints", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
"""Folders whose content is nobody's result."""
FILES = 1_000
"""Changes that an attempt's record names at most."""

Listing = dict[str, tuple[int, int]]
"""Size and time of change in nanoseconds of each file, by its path relative to the workspace."""


def list_files(folder: Path) -> Listing:
    """List the regular files below a folder; symbolic links are not followed."""
    return dict(_walk(folder))


def _walk(folder: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED]
        for name in names:
            path = Path(place, name)
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue  # gone while we looked; agents work beside each other here
            if stat.S_ISREG(found.st_mode):
                yield str(path.relative_to(folder)), (found.st_size, found.st_mtime_ns)


def changes(folder: Path, before: Listing) -> tuple[FileChange, ...]:
    """Tell what was created, changed and deleted since `before`, with size and SHA-256; at most FILES of them.

    Items that work in the same folder at the same time see each other's changes.
    """
    after = list_files(folder)
    found = [
        _change(folder, path, "created" if path not in before else "changed")
        for path in sorted(after)
        if after[path] != before.get(path)
    ]
    gone = [FileChange(path=path, change="deleted") for path in sorted(before.keys() - after.keys())]
    return tuple([*found, *gone][:FILES])


def _change(folder: Path, path: str, change: Literal["created", "changed"]) -> FileChange:
    try:
        with (folder / path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return FileChange(path=path, change="deleted")
    return FileChange(path=path, change=change, size=size, sha256=digest)
