"""When the disk refuses what is written about an attempt: that is no failure of its agent, and stops the run."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from prefect_swarm.core.errors import StorageFailed

REFUSALS = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room within your quota",
    errno.EROFS: "allow writing again",
    errno.EIO: "look at the disk",
}
"""Errors of a disk rather than of a path, and what is to be done about each."""


@contextmanager
def writing(folder: Path) -> Generator[None]:
    """Raise StorageFailed where the disk below the folder refuses to be written; other errors pass."""
    try:
        yield
    except OSError as error:
        remedy = REFUSALS.get(error.errno or 0)
        if remedy is None:
            raise
        message = (
            f"{error.filename or folder} cannot be written: {error.strerror}; {remedy}, then go on with `swarm resume`"
        )
        raise StorageFailed(message) from error
