"""How a file that belongs to a person is replaced: whole or not at all, and only if it is what was read."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from prefect_swarm.core.errors import UsageError


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    """Replace the content of a file, keeping its mode and, where it is one, the link that leads to it.

    Raises UsageError, with the file untouched, where it does not hold `old` any more or cannot be written.
    """
    target = path.resolve()
    try:
        draft = _drafted(target, new)
        try:
            if target.read_bytes() != old:
                raise UsageError(f"{path} was changed by someone else while it was read; try again")
            draft.replace(target)
        finally:
            with suppress(OSError):
                draft.unlink()
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _drafted(target: Path, content: bytes) -> Path:
    """The content in a file beside the target, safe on disk and with the target's mode."""
    mode = stat.S_IMODE(target.stat().st_mode)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as draft:
        path = Path(draft.name)
        path.chmod(mode)
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
    return path
