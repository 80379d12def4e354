"""Where an attempt works, and which files it touched there."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePath
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
            except OSError:
                continue  # gone or shut while we looked; agents work beside each other here
            if stat.S_ISREG(found.st_mode):
                yield str(path.relative_to(folder)), (found.st_size, found.st_mtime_ns)


def shown_path(path: PurePath | str) -> str:
    """Give a path as a text that can be written down, whatever an agent called its files."""
    return os.fsencode(path).decode("utf-8", "replace")


def changes(folder: Path, before: Listing) -> tuple[FileChange, ...]:
    """Tell what was created, changed and deleted since `before`, with size and SHA-256; at most FILES of them.

    Items that work in the same folder at the same time see each other's changes.
    """
    after = list_files(folder)
    touched = (path for path in sorted(after) if after[path] != before.get(path))
    found = list(islice(_written(folder, touched, before=before, after=after), FILES))
    gone = (FileChange(path=shown_path(path), change="deleted") for path in sorted(before.keys() - after.keys()))
    return (*found, *islice(gone, FILES - len(found)))


def _written(folder: Path, paths: Iterable[str], *, before: Listing, after: Listing) -> Iterator[FileChange]:
    for path in paths:
        change: Literal["created", "changed"] = "changed" if path in before else "created"
        try:
            found = _digest(folder / path)
        except PermissionError:
            found = after[path][0], ""
        if found is not None:
            yield FileChange(path=shown_path(path), change=change, size=found[0], sha256=found[1])
        elif path in before:
            yield FileChange(path=shown_path(path), change="deleted")


def _digest(path: Path) -> tuple[int, str] | None:
    """Give size and SHA-256 of a regular file, None where there is none any more. Raises PermissionError.

    What was a file a moment ago may be a link out of the workspace now, or a pipe that nobody writes into.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError:
        return None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return None
        with open(handle, "rb", closefd=False) as file:
            return found.st_size, hashlib.file_digest(file, "sha256").hexdigest()
    finally:
        os.close(handle)
