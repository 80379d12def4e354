"""Folders to measure in: one on a disk that keeps its word, and one in memory as its floor."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
"""Where Linux keeps files in memory: what costs nothing there is what the disk costs."""


@contextmanager
def on_disk() -> Generator[Path]:
    """A folder below the current one, which is on a disk; it is gone afterwards."""
    Path(".cache").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=".cache", prefix="bench-") as folder:
        yield Path(folder).absolute()


@contextmanager
def in_memory() -> Generator[Path]:
    """A folder whose files are in memory; where there is none, one in the folder for temporary files."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="bench-") as folder:
        yield Path(folder).absolute()
