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
        mode = stat.S_IMODE(target.stat().st_mode)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as draft:
            try:
                draft.write(new)
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).chmod(mode)
                _refuse_other(target, old)
                Path(draft.name).replace(target)
            except BaseException:
                with suppress(OSError):
                    Path(draft.name).unlink()
                raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _refuse_other(path: Path, old: bytes) -> None:
    if path.read_bytes() != old:
        raise UsageError(f"{path} was changed by someone else while it was read; try again")
