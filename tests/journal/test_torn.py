"""Files that were cut off or in which bits were flipped: what is read is what was written, or reading is refused.

What no file can tell: a write-ahead log that ends where a transaction ended is the log of an earlier moment. A journal
whose log was cut off is therefore one of the states that it had, whole; only the newest transactions are gone.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from tests.core.histories import item, verified
from tests.trials import trials

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.state import RunState
from prefect_swarm.journal.lease import Holder
from prefect_swarm.journal.store import Journal, RunEntry
from prefect_swarm.testing.plans import Part, plan_of

RUN, OTHER = RunId("run-1"), RunId("run-2")
PLAN = plan_of(Part("A"), Part("B", needs=("A",)))
PAGE = 512
"""Bytes of a page: as small as SQLite knows, so that there are few bytes to cut off at."""
HEADER, FRAME = 32, 24
"""Bytes before the first frame of a write-ahead log, and before the page in each frame."""
LAST = 3


class Reading(NamedTuple):
    """All that is read of a journal."""

    runs: tuple[RunEntry, ...]
    plan: Plan
    state: RunState
    records: tuple[Record, ...]
    others: tuple[Record, ...]
    last: tuple[int, str]
    holder: Holder | None


def read(folder: Path) -> Reading | None:
    """Read all of a journal, None where that is refused."""
    try:
        with closing(Journal.at(folder)) as journal:
            return Reading(
                journal.runs(),
                journal.plan(RUN),
                journal.state(RUN),
                journal.records(RUN),
                journal.records(OTHER),
                journal.last(RUN),
                journal.holder(RUN),
            )
    except SwarmError:
        return None


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of small pages with two runs, in some of whose records texts go over several pages."""
    folder = tmp_path / "state"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute(f"PRAGMA page_size={PAGE}")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE something (x)")
    with closing(Journal.at(folder)) as opened:
        for run in (RUN, OTHER):
            opened.create(run, PLAN)
            opened.append(run, [on.RunStarted(plan=PLAN.digest, max_parallel=3), *verified("A")])
            opened.append(run, [on.ErrorOccurred(where="test", message="höchstens " * 90)])
        epoch = opened.take_lease(RUN, period=1e9)
        opened.append(RUN, [on.ItemReady(item=item("B"))], epoch=epoch)
        yield opened


@pytest.mark.chaos
def test_a_log_that_is_cut_off_is_the_journal_of_an_earlier_moment(journal: Journal, tmp_path: Path) -> None:
    """Cut off at any byte of the last transactions: all records up to one of them, no half one, and writing goes on."""
    state = tmp_path / "state"
    lengths, moments = [_log(state).stat().st_size], [journal.records(RUN)]
    for number in range(LAST):
        written = journal.append(RUN, [on.ErrorOccurred(where="test", message=f"{number} " * 50)] * 2)
        lengths.append(_log(state).stat().st_size)
        moments.append(moments[-1] + written)
    file, log = (state / "journal.db").read_bytes(), _log(state).read_bytes()
    assert lengths == sorted(set(lengths)), "the log was begun anew in the middle of the test"
    frames = range(lengths[0], lengths[-1], FRAME + PAGE)
    everywhere = range(lengths[0], lengths[-1])
    borders = {cut for frame in frames for cut in (frame, frame + 1, frame + FRAME, frame + FRAME + PAGE - 1)}
    chosen = Random(42).sample(everywhere, trials(60, chaos=len(everywhere)))  # noqa: S311 - no secret

    for cut in sorted(borders | set(chosen)):
        torn = _written(tmp_path / f"torn-{cut}", file, log[:cut])
        expected = moments[sum(length <= cut for length in lengths[1:])]
        with closing(Journal.at(torn)) as found:
            assert found.records(RUN) == expected, f"cut off at {cut} of {lengths}"
            assert found.append(RUN, [on.ItemReady(item=item("B"))])[0].seq == len(expected) + 1


@pytest.mark.chaos
def test_a_file_that_is_cut_off_is_whole_or_refused(journal: Journal, tmp_path: Path) -> None:
    """Cut off at any byte: everything is read as it was, or nothing."""
    state = tmp_path / "state"
    journal.close()
    whole, file = read(state), (state / "journal.db").read_bytes()
    assert whole is not None
    chosen = Random(43).sample(range(len(file)), trials(100, chaos=4000))  # noqa: S311 - no secret

    for cut in chosen:
        found = read(_written(tmp_path / f"torn-{cut}", file[:cut]))
        assert not _differing(found, whole), f"cut off at {cut} of {len(file)}"


@pytest.mark.chaos
def test_a_flipped_bit_is_harmless_or_refused(journal: Journal, tmp_path: Path) -> None:
    """Whichever bit of the file is flipped, what is read is what was written, or reading is refused."""
    state = tmp_path / "state"
    journal.close()
    whole, file = read(state), (state / "journal.db").read_bytes()
    assert whole is not None
    seed, refused, count = 44, 0, trials(500, chaos=5000)
    chance = Random(seed)  # noqa: S311 - no secret

    for number in range(count):
        at, bit = chance.randrange(len(file)), chance.randrange(8)
        flipped = bytearray(file)
        flipped[at] ^= 1 << bit
        found = read(_written(tmp_path / f"flipped-{number}", bytes(flipped)))
        assert not _differing(found, whole), f"seed {seed}, trial {number}: bit {bit} of byte {at}"
        refused += found is None

    assert refused > count // 4, "the flips did not meet what matters"


def _differing(found: Reading | None, whole: Reading) -> list[str]:
    """Name what is read otherwise than it was written; nothing where reading was refused."""
    return [] if found is None else [name for name in whole._fields if getattr(found, name) != getattr(whole, name)]


def _log(folder: Path) -> Path:
    return folder / "journal.db-wal"


def _written(folder: Path, file: bytes, log: bytes = b"") -> Path:
    folder.mkdir()
    (folder / "journal.db").write_bytes(file)
    if log:
        _log(folder).write_bytes(log)
    return folder
