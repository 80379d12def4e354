"""Processes that write at the same time, and processes that die while they write."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from tests.journal.conftest import RUN
from tests.journal.processes import kill, output, start
from tests.journal.recovery import open_and_close, warm
from tests.trials import trials

from prefect_swarm.core.events import ErrorOccurred, Record
from prefect_swarm.journal.store import Journal

THREADS = 6


def said(records: tuple[Record, ...]) -> list[tuple[str, int]]:
    """Return who wrote which number, in the order of the records."""
    return [(one.event.where, int(one.event.message)) for one in records if isinstance(one.event, ErrorOccurred)]


def test_threads_write_each_event_once_and_without_gaps(journal: Journal) -> None:
    """Six threads at once give numbers from 1 on, and each finds its own events in the order it wrote them."""

    def write(name: str) -> None:
        for number in range(20):
            journal.append(RUN, [ErrorOccurred(where=name, message=str(number))])

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(write, "abcdef"))

    records = journal.records(RUN)
    assert [record.seq for record in records] == list(range(1, 121))
    for name in "abcdef":
        assert [number for where, number in said(records) if where == name] == list(range(20))


def test_processes_write_each_event_once_and_without_gaps(journal: Journal, folder: Path) -> None:
    """Three processes at once do so too, and each was told the number that its event has."""
    writers = {name: start(folder, "write", name, "40") for name in "abc"}
    acknowledged = {name: _acknowledged(writer.communicate()[0]) for name, writer in writers.items()}

    records = journal.records(RUN)
    assert [record.seq for record in records] == list(range(1, 121))
    for name in "abc":
        found = [
            (record.seq, number) for record, (who, number) in zip(records, said(records), strict=True) if who == name
        ]
        assert found == acknowledged[name]
        assert [number for _, number in found] == list(range(40))


def test_processes_may_open_a_new_journal_at_the_same_time(folder: Path) -> None:
    """Whoever comes first makes the tables, and nobody fails over it."""
    for round_ in range(10):
        openers = [warm(open_and_close, folder / str(round_)) for _ in range(4)]
        for opener in openers:
            opener.join()

        assert [opener.exitcode for opener in openers] == [0] * 4


def test_threads_may_open_a_new_journal_at_the_same_time(tmp_path: Path) -> None:
    """So may threads, which come closer together than processes do."""

    def open_and_close(folder: Path) -> int:
        journal = Journal.at(folder)
        found = len(journal.runs())
        journal.close()
        return found

    for round_ in range(20):
        with ThreadPoolExecutor(THREADS) as threads:
            assert list(threads.map(open_and_close, [tmp_path / str(round_)] * THREADS)) == [0] * THREADS


@pytest.mark.chaos
def test_what_was_acknowledged_survives_a_kill(
    journal: Journal, folder: Path, open_again: Callable[[], Journal]
) -> None:
    """A writer is killed at random moments: every event it had said was written is there, the chain whole."""
    chance = Random(20)  # noqa: S311 - no secret
    before, rounds = 0, trials(8, chaos=100)
    for round_ in range(rounds):
        writer = start(folder, "write", str(round_), "100000")
        assert output(writer).readline().startswith("begins")
        heard = [output(writer).readline() for _ in range(chance.randint(1, 4))]
        time.sleep(chance.uniform(0, 0.003))  # the moment is what the test is about

        writer.kill()
        acknowledged = _acknowledged("".join([*heard, output(writer).read()]))
        writer.communicate()
        records = journal.records(RUN, after=before)
        mine = [(one.seq, number) for one, (_, number) in zip(records, said(records), strict=True)]

        assert mine[: len(acknowledged)] == acknowledged
        assert len(mine) - len(acknowledged) <= 1  # the one that was written and not yet said
        before = journal.last(RUN)[0]

    records = open_again().records(RUN)
    assert [record.seq for record in records] == list(range(1, before + 1))
    assert before > rounds


def test_a_dead_writer_keeps_nobody_from_writing(journal: Journal, folder: Path) -> None:
    """After a kill the next append goes through at once."""
    writer = start(folder, "write", "a", "100000")
    for _ in range(5):
        output(writer).readline()

    kill(writer)
    begun = time.monotonic()
    journal.append(RUN, [ErrorOccurred(where="b", message="0")])

    assert time.monotonic() - begun < 2.0


def _acknowledged(text: str) -> list[tuple[int, int]]:
    """Read the lines `seq number` that arrived whole."""
    whole = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n") and line[0].isdigit()]
    return [(int(seq), int(number)) for seq, number in whole]
