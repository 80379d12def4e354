"""How everything that is kept of a run goes: its lease is taken, then its files go, and its rows last.

Whatever breaks off in between leaves a run that can be deleted again. What agents made is nobody's here.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from prefect_swarm.core.errors import JournalError, StorageFailed, UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal import rows
from prefect_swarm.journal.checkpoints import snapshot_path
from prefect_swarm.journal.home import run_folder, runs_folder, state_folder
from prefect_swarm.journal.lease import Pulse
from prefect_swarm.journal.store import Journal

STRAY_AFTER = 86_400.0
"""Seconds after which a run's folder without a run is nobody's."""
_FORMAT = "prefect-swarm/checkpoint/"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that is kept of a run."""

    what: str
    count: int
    size: int
    """Bytes; 0 where that is not ours to know."""
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is kept of a run beside its rows, and how it is removed; done twice it does no harm."""

    kept: Kept
    remove: Callable[[], None]


def parts_of(run_id: RunId, output: str, settings: Settings) -> tuple[Part, ...]:
    """Everything that this machine keeps of a run that worked in `output`; nothing for an id that leads away."""
    try:
        folder = run_folder(settings, run_id)
    except UsageError:
        return ()
    checkpoint = _checkpoint(snapshot_path(Path(output), run_id), run_id) if output else None
    return tuple(part for part in (_folder(folder, "prompts and logs"), checkpoint) if part is not None)


def rows_of(journal: Journal, run_id: RunId) -> tuple[Kept, rows.Tally]:
    """What the journal itself holds of a run. Raises RunNotFound."""
    with journal.reading() as connection:
        found = rows.tally(connection, run_id)
    return Kept("records of the journal", found.records, found.size), found


def remove_run(journal: Journal, run_id: RunId, parts: Sequence[Part], *, period: float) -> None:
    """Remove the parts in their order and then the rows, holding the run so that nobody can begin to execute it.

    `period` is that of the lease in seconds. Raises RunHeld naming the holder, RunNotFound, Fenced where somebody
    took the run over meanwhile, StorageFailed where a file cannot be removed; the run can be deleted again then.
    """
    epoch = journal.take_lease(run_id, period=period)
    try:
        with Pulse(lambda: journal.beat(run_id, epoch), period=period / 3, lost=_told_by_the_next_step):
            for part in parts:
                journal.beat(run_id, epoch)
                _remove(part, run_id)
            with journal.writing() as connection:
                rows.delete_run(connection, run_id, epoch)
    except BaseException:
        with suppress(JournalError):
            journal.release_lease(run_id, epoch)
        raise


def stand_of_runs(journal: Journal) -> tuple[rows.Stand, ...]:
    """When each run was last heard of, the newest run first."""
    with journal.reading() as connection:
        return rows.stands(connection)


def stray_parts(journal: Journal, settings: Settings, now: float) -> tuple[Part, ...]:
    """Folders of runs that no journal of the state folder knows, untouched for a day: of runs deleted elsewhere."""
    folder = runs_folder(settings)
    if not folder.is_dir():
        return ()
    known = _known_runs(journal, settings)
    strays = [path for path in sorted(folder.iterdir()) if path.name not in known and _age(path, now) > STRAY_AFTER]
    found = (_folder(path, "folder without a run") for path in strays)
    return tuple(part for part in found if part is not None)


def sweep(journal: Journal, parts: Sequence[Part]) -> int:
    """Remove what belongs to no run, and give free space back to the disk; gives the number of rows."""
    for part in parts:
        _remove(part, None)
    with journal.writing() as connection:
        gone = rows.delete_strays(connection)
    journal.give_back()
    return gone


def _told_by_the_next_step(_error: JournalError) -> None:
    """Each step asks for itself whether the lease is still ours."""


def _remove(part: Part, run_id: RunId | None) -> None:
    try:
        part.remove()
    except OSError as error:
        again = f"; then `swarm delete {run_id}` again" if run_id else ""
        raise StorageFailed(
            f"{part.kept.what}: {error.filename or ''} cannot be removed ({error.strerror}): put that right{again}"
        ) from error


def _folder(folder: Path, what: str) -> Part | None:
    if not os.path.lexists(folder):
        return None
    sizes = list(_sizes(folder))
    return Part(Kept(what, len(sizes), sum(sizes), (str(folder),)), lambda: _remove_folder(folder))


def _remove_folder(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)  # which follows no link


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield Path(place, name).lstat().st_size


def _checkpoint(path: Path, run_id: RunId) -> Part | None:
    fresh = path.with_suffix(".new")  # left behind where the writer was killed
    mine = [one for one, ours in ((path, _is_checkpoint(path, run_id)), (fresh, _is_begun(fresh))) if ours]
    if not mine:
        return None
    size = sum(one.lstat().st_size for one in mine)
    return Part(Kept("checkpoint file", len(mine), size, tuple(map(str, mine))), lambda: _remove_files(mine))


def _remove_files(files: Sequence[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # it holds checkpoints of other runs
            path.parent.rmdir()


def _is_checkpoint(path: Path, run_id: RunId) -> bool:
    if not path.is_file():
        return False
    try:
        found = json.loads(path.read_bytes())
        return str(found["format"]).startswith(_FORMAT) and found["run_id"] == run_id
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return False


def _is_begun(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(200)
    return not head or _FORMAT.encode() in head


def _known_runs(journal: Journal, settings: Settings) -> frozenset[str]:
    """The runs of this journal, and of the state folder's own where the settings name another."""
    known = {entry.run_id for entry in journal.runs()}
    if settings.journal and (state_folder(settings) / "journal.db").exists():
        with closing(Journal.at(state_folder(settings))) as own:
            known |= {entry.run_id for entry in own.runs()}
    return frozenset(known)


def _age(path: Path, now: float) -> float:
    try:
        return now - path.lstat().st_mtime
    except OSError:
        return 0.0  # gone meanwhile
