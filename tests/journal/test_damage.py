"""A journal that is not what was written: noticed at the damaged record, never silent."""

import sqlite3
import struct
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest
from tests.journal.conftest import RUN

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Damaged, SwarmError
from prefect_swarm.core.ids import ItemId
from prefect_swarm.journal.store import Journal

A = ItemId("A/fake")
COUNT = 8
FLIPS = 40
"""Flips in each column."""


@pytest.fixture
def journal(journal: Journal) -> Journal:
    """A journal with eight records of one run."""
    epoch = journal.take_lease(RUN, period=60.0)
    journal.append(RUN, [on.ItemReady(item=A), on.AttemptStarted(item=A, attempt=1)], epoch=epoch)
    said = [
        on.AttemptProgressed(item=A, attempt=1, fraction=n / 10, message=f"höchstens {n}") for n in range(COUNT - 2)
    ]
    journal.append(RUN, said, epoch=epoch)
    return journal


@contextmanager
def tables(folder: Path) -> Generator[sqlite3.Connection]:
    """Open the journal's file as somebody would who is not the journal."""
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        yield database


def damage(folder: Path, *statements: str) -> None:
    """Run statements on the tables."""
    with tables(folder) as database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize("column", ["stream", "at", "type", "data", "epoch", "seal"])
def test_every_flipped_bit_is_noticed(journal: Journal, folder: Path, column: str) -> None:
    """Whichever bit of a record is not as it was written, reading stops there and names the record."""
    chance = Random(column)  # noqa: S311 - no secret
    for _ in range(FLIPS):
        seq = chance.randint(1, COUNT)
        with tables(folder) as database:
            where = (RUN, seq)
            old = database.execute(f"SELECT {column} FROM swarm_events WHERE run_id=? AND seq=?", where).fetchone()[0]  # noqa: S608 - names of columns cannot be parameters
            kind = "TEXT" if isinstance(old, str) else "NUMERIC"
            set_to = f"UPDATE swarm_events SET {column} = CAST(? AS {kind}) WHERE run_id = ? AND seq = ?"  # noqa: S608 - likewise
            database.execute(set_to, (_flipped(old, chance), *where))

        with pytest.raises(Damaged, match=f"run run-1: record {seq} "):
            journal.records(RUN)
        with tables(folder) as database:
            database.execute(set_to, (old, *where))

    assert len(journal.records(RUN)) == COUNT


@pytest.mark.parametrize(
    ("statement", "record"),
    [
        ("DELETE FROM swarm_events WHERE seq = 1", 1),
        ("DELETE FROM swarm_events WHERE seq = 4", 4),
        ("DELETE FROM swarm_events WHERE seq = 8", COUNT),
        ("DELETE FROM swarm_events WHERE seq > 5", 6),
        ("DELETE FROM swarm_events", 1),
        ("UPDATE swarm_events SET seq = 99 WHERE seq = 3", 3),
        ("UPDATE swarm_events SET run_id = 'run-2' WHERE seq = 3", 3),
    ],
)
def test_a_missing_record_is_noticed(journal: Journal, folder: Path, statement: str, record: int) -> None:
    """Records that are deleted or moved away are missed, in the middle and at the end, by readers and writers."""
    damage(folder, statement)

    with pytest.raises(Damaged, match=f"run run-1: record {record} is missing; restore the journal from a backup"):
        journal.records(RUN)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE swarm_runs SET head = head + 1",
        "UPDATE swarm_runs SET head = head - 1",
        "UPDATE swarm_runs SET stream = 2",
        "UPDATE swarm_runs SET project = 'Other'",
        "UPDATE swarm_runs SET plan = 'sha256:0'",
        "UPDATE swarm_runs SET origin = 'sha256:0'",
        "UPDATE swarm_runs SET created = created + 1",
        "UPDATE swarm_runs SET epoch = epoch - 1",
    ],
)
def test_a_changed_entry_of_a_run_is_noticed(journal: Journal, folder: Path, statement: str) -> None:
    """Whoever lists, reads, folds or goes on with a run whose entry is not what was written is told so."""
    damage(folder, statement)

    uses: list[Callable[[], object]] = [
        journal.runs,
        lambda: journal.plan(RUN),
        lambda: journal.records(RUN),
        lambda: journal.state(RUN),
        lambda: journal.append(RUN, [on.ItemReady(item=A)]),
    ]
    for use in uses:
        with pytest.raises(Damaged, match="run run-1: its entry is damaged; restore the journal from a backup"):
            use()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE swarm_leases SET epoch = epoch - 1",
        "UPDATE swarm_leases SET holder = ''",
        "UPDATE swarm_leases SET holder = replace(holder, '\"pid\":', '\"pid\":1')",
        "UPDATE swarm_leases SET ticks = ticks - 1000",
        "UPDATE swarm_leases SET period = 0",
        "UPDATE swarm_leases SET beat = 0",
    ],
)
def test_a_changed_lease_is_noticed(journal: Journal, folder: Path, statement: str) -> None:
    """No executor is let in or shut out by a lease that is not what was written."""
    damage(folder, statement)

    uses: list[Callable[[], object]] = [
        lambda: journal.take_lease(RUN, period=60.0),
        lambda: journal.beat(RUN, 1),
        lambda: journal.holder(RUN),
    ]
    for use in uses:
        with pytest.raises(Damaged, match="run run-1: its lease is damaged; restore the journal from a backup"):
            use()


def test_writing_does_not_paper_over_a_lost_end(journal: Journal, folder: Path) -> None:
    """After the newest records were lost nothing is written on top of what is left."""
    damage(folder, "DELETE FROM swarm_events WHERE seq > 5")

    with pytest.raises(Damaged, match="record 6 is missing"):
        journal.append(RUN, [on.ItemReady(item=ItemId("B/fake"))])


def test_swapped_records_are_noticed(journal: Journal, folder: Path) -> None:
    """Two records in each other's place are not what was written."""
    damage(
        folder,
        "UPDATE swarm_events SET seq = 100 WHERE seq = 4",
        "UPDATE swarm_events SET seq = 4 WHERE seq = 5",
        "UPDATE swarm_events SET seq = 5 WHERE seq = 100",
    )

    with pytest.raises(Damaged, match="record 4 does not match its checksum"):
        journal.records(RUN)


def test_a_copied_record_is_noticed(journal: Journal, folder: Path) -> None:
    """A record told a second time, further on, does not follow from what is before it."""
    columns = "run_id, seq, stream, at, type, data, epoch, seal"
    copied = columns.replace("seq", f"{COUNT + 1}")
    damage(folder, f"INSERT INTO swarm_events ({columns}) SELECT {copied} FROM swarm_events WHERE seq = 3")  # noqa: S608 - no value of others

    with pytest.raises(Damaged, match=f"record {COUNT + 1} does not match its checksum"):
        journal.records(RUN)


def test_damage_is_noticed_by_whoever_begins_to_read_behind_it(journal: Journal, folder: Path) -> None:
    """A reader that goes on after a damaged record learns that the link to it does not hold."""
    damage(folder, "UPDATE swarm_events SET seal = replace(seal, substr(seal, 1, 1), 'x') WHERE seq = 3")

    with pytest.raises(Damaged, match="record 4 does not match its checksum"):
        journal.records(RUN, after=3)
    assert len(journal.records(RUN, after=4)) == COUNT - 4


def test_an_event_of_a_later_version_is_told_apart_from_damage(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record whose checksum holds and whose event nobody here knows says so."""
    # The only way to have written such an event is to be another version, which is played here.
    monkeypatch.setattr("prefect_swarm.journal.store.encode", _melted)
    journal.append(RUN, [on.ItemReady(item=A)])

    with pytest.raises(Damaged, match=f"record {COUNT + 1} was written by another version"):
        journal.records(RUN)


def test_a_file_that_is_cut_off_is_never_read_as_whole(journal: Journal, folder: Path, tmp_path: Path) -> None:
    """Whatever remains of a torn file, either all acknowledged records are there or reading it fails."""
    with tables(folder) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    journal.close()
    whole = (folder / "journal.db").read_bytes()

    for length in range(0, len(whole), 1024):
        torn = tmp_path / f"torn-{length}"
        torn.mkdir()
        (torn / "journal.db").write_bytes(whole[:length])
        assert _readable(torn) in {None, COUNT}, f"{length} of {len(whole)} bytes were read as a whole journal"
    assert _readable(tmp_path / "torn-0") is None
    assert _readable(folder) == COUNT


def _readable(folder: Path) -> int | None:
    """Give the number of records that are read without complaint, None where there is one."""
    try:
        with closing(Journal.at(folder)) as journal:
            return len(journal.records(RUN)) if journal.plan(RUN) else None
    except SwarmError:
        return None


def _flipped(value: object, chance: Random) -> object:
    """Flip one bit of a value as it is stored."""
    match value:
        case float():
            return struct.unpack(">d", _flip(struct.pack(">d", value), chance))[0]
        case int():
            return value ^ (1 << chance.randrange(31))
        case _:
            return _flip(str(value).encode(), chance)  # bytes, which the cast makes text of as they are


def _melted(_event: on.Event) -> tuple[str, str]:
    return "item_melted", '{"item": "A/fake"}'


def _flip(stored: bytes, chance: Random) -> bytes:
    found = bytearray(stored)
    found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)
