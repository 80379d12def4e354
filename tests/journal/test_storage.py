"""A disk or a server that refuses: told as such within seconds, nothing half written, and mended without a restart."""

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine
from tests.journal.conftest import PLAN, RUN
from tests.journal.servers import Server
from tests.journal.ways import Way

from prefect_swarm.core.errors import JournalError, StorageFailed
from prefect_swarm.core.events import ErrorOccurred
from prefect_swarm.journal.store import Journal

SOON = 7.0
"""Seconds within which trouble is told: the promise is about five, and this machine has other work."""
EVENT = ErrorOccurred(where="test", message="x")
LONG = ErrorOccurred(where="test", message="x" * 100_000)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    if os.geteuid() != 0:
        pytest.skip("missing: the right to mount")
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "swarm", place], capture_output=True).returncode:
        pytest.skip("missing: the right to mount")
    yield place
    subprocess.run(["umount", place], check=True)


@contextmanager
def soon_refused(match: str) -> Generator[None]:
    """Expect that storage fails, for a reason, within seconds."""
    begun = time.monotonic()
    with pytest.raises(StorageFailed, match=match):
        yield
    assert time.monotonic() - begun < SOON


def test_a_full_disk_is_told_and_writing_goes_on_when_there_is_room(disk: Path) -> None:
    """What was acknowledged stays, what was not is not there, and the same journal writes again afterwards."""
    with closing(Journal.at(disk / "state")) as journal:
        journal.create(RUN, PLAN)
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 1_000_000)
        written = list[int]()
        with soon_refused("the disk is full: make room"):
            while True:
                written += [record.seq for record in journal.append(RUN, [LONG])]
        assert [record.seq for record in journal.records(RUN)] == written

        ballast.unlink()
        journal.append(RUN, [LONG])

        assert len(journal.records(RUN)) == len(written) + 1 > 1


def test_a_disk_that_may_only_be_read_is_told(disk: Path) -> None:
    """Neither open nor used is the journal then, and both work when the disk may be written again."""
    with closing(Journal.at(disk / "state")) as journal:
        journal.create(RUN, PLAN)
        journal.close()  # a disk with files open for writing cannot be made read-only
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

        with soon_refused("may only be read|cannot be opened"):
            journal.append(RUN, [EVENT])
        with soon_refused("cannot be made|may only be read|cannot be opened"):
            Journal.at(disk / "other")
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)

        assert journal.append(RUN, [EVENT])[0].seq == 1


@pytest.mark.parametrize("gone", ["state", "state/journal.db"])
def test_a_journal_that_is_gone_is_told_and_not_made_anew(tmp_path: Path, gone: str) -> None:
    """Nobody writes into a deleted file or an empty new one; when the file is back the journal is as it was."""
    folder, away = tmp_path / "state", tmp_path / "away"
    with closing(Journal.at(folder)) as journal:
        journal.create(RUN, PLAN)
        journal.append(RUN, [EVENT])
        (tmp_path / gone).rename(away)

        with soon_refused("the file cannot be opened: put it and its folder back"):
            journal.append(RUN, [EVENT])
        with soon_refused("the file cannot be opened"):
            journal.records(RUN)
        assert not (folder / "journal.db").exists()
        away.rename(tmp_path / gone)

        assert journal.append(RUN, [EVENT])[0].seq == 2


def test_a_log_that_is_deleted_takes_no_later_record_with_it(
    folder: Path, journal: Journal, open_again: Callable[[], Journal]
) -> None:
    """What is written after SQLite's write-ahead log was deleted is there for everyone, and so is what was before."""
    journal.append(RUN, [EVENT])
    (folder / "journal.db-wal").unlink()

    journal.append(RUN, [EVENT])

    assert [record.seq for record in open_again().records(RUN)] == [1, 2]


def test_a_lock_that_is_held_for_long_is_no_trouble_of_the_disk(folder: Path, journal: Journal) -> None:
    """Another's long transaction is waited for, patiently."""
    with closing(sqlite3.connect(folder / "journal.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(1.0, lambda: other.execute("ROLLBACK")).start()

        assert journal.append(RUN, [EVENT])


@pytest.mark.postgres
def test_a_killed_server_is_told_and_the_journal_works_when_it_is_back(server: Server, database: str) -> None:
    """What was acknowledged before the kill is there, and no new journal has to be opened."""
    with _journal(database) as journal:
        journal.append(RUN, [EVENT])
        server.kill()

        for use in (lambda: journal.append(RUN, [EVENT]), lambda: journal.records(RUN)):
            with soon_refused("the server does not answer: start it"):
                use()
        server.start()

        assert journal.append(RUN, [EVENT])[0].seq == 2


@pytest.mark.postgres
def test_a_server_that_swallows_what_it_is_told_is_noticed(server: Server, database: str) -> None:
    """Neither a stopped process nor a dead way there keeps anybody waiting, in a statement or on a new connection."""
    with Way(server.port) as way, _journal(database.replace(str(server.port), str(way.port))) as journal:
        journal.append(RUN, [EVENT])
        way.open.clear()

        with soon_refused("the server does not answer"):
            journal.append(RUN, [EVENT])
        with soon_refused("the server does not answer"):
            journal.append(RUN, [EVENT])
        way.open.set()

        assert journal.append(RUN, [EVENT])[0].seq == 2


@pytest.mark.postgres
def test_another_s_lock_is_no_silence(database: str) -> None:
    """A server that answers that it has to wait is there."""
    with _journal(database) as journal, _transaction(journal.url) as other:
        other.exec_driver_sql("SELECT * FROM swarm_runs FOR UPDATE")

        with pytest.raises(JournalError, match="lock timeout") as refused:
            journal.append(RUN, [EVENT])

    assert not isinstance(refused.value, StorageFailed)


@contextmanager
def _journal(url: str) -> Generator[Journal]:
    with closing(Journal(url)) as journal:
        journal.create(RUN, PLAN)
        yield journal


@contextmanager
def _transaction(url: str) -> Generator[Connection]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
