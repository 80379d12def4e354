"""The same promises on PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from tests.core.histories import item, started, verified
from tests.journal.conftest import PLAN, RUN
from tests.journal.servers import execute

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Damaged, Fenced, JournalError, RunHeld
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal import entries
from prefect_swarm.journal.removal import remove_run
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.waiting import wait_for

pytestmark = pytest.mark.postgres
EVENT = on.ErrorOccurred(where="test", message="\x00 höchstens \U0001f600")


@pytest.fixture
def open_again(database: str) -> Iterator[Callable[[], Journal]]:
    """Opens the journal in a database of the test's own; all are closed at the end."""
    opened: list[Journal] = []
    lock = threading.Lock()

    def open_one() -> Journal:
        journal = Journal(database)
        with lock:
            opened.append(journal)
        return journal

    yield open_one
    for journal in opened:
        journal.close()


def test_what_is_written_comes_back(journal: Journal, open_again: Callable[[], Journal]) -> None:
    """Events with any text, the plan and the state are the same for another process."""
    written = journal.append(RUN, [EVENT, *verified("A")])

    again = open_again()
    assert again.records(RUN) == written
    assert again.plan(RUN) == PLAN
    assert again.state(RUN).items[item("A")].status is started(PLAN, *verified("A")).items[item("A")].status


def test_many_write_without_gaps(journal: Journal, open_again: Callable[[], Journal]) -> None:
    """Six writers with connections of their own give numbers from 1 on, each once."""
    journals = [journal, *(open_again() for _ in range(5))]

    def write(mine: Journal) -> list[int]:
        return [mine.append(RUN, [EVENT])[0].seq for _ in range(20)]

    with ThreadPoolExecutor(6) as threads:
        given = [seq for seqs in threads.map(write, journals) for seq in seqs]

    assert sorted(given) == [record.seq for record in journal.records(RUN)] == list(range(1, 121))


def test_many_open_a_new_journal_at_once(open_again: Callable[[], Journal]) -> None:
    """Whoever comes first makes the tables, and nobody fails over it."""
    with ThreadPoolExecutor(6) as threads:
        opening = [threads.submit(open_again) for _ in range(6)]

    assert [one.result().runs() for one in opening] == [()] * 6


def test_one_of_many_gets_the_lease(journal: Journal, open_again: Callable[[], Journal]) -> None:
    """Those who ask at the same time: one is given the run, the others are told who has it."""
    journals = [journal, *(open_again() for _ in range(5))]
    together = threading.Barrier(6)

    def take(mine: Journal) -> int | None:
        together.wait()
        try:
            return mine.take_lease(RUN, period=60.0)
        except RunHeld:
            return None

    with ThreadPoolExecutor(6) as threads:
        epochs = list(threads.map(take, journals))

    assert [epoch for epoch in epochs if epoch] == [1]


def test_an_old_epoch_is_refused(journal: Journal) -> None:
    """Who was followed writes nothing."""
    old = journal.take_lease(RUN, period=60.0)
    journal.release_lease(RUN, old)
    journal.take_lease(RUN, period=60.0)

    with pytest.raises(Fenced):
        journal.append(RUN, [EVENT], epoch=old)

    assert journal.records(RUN) == ()


def test_a_deletion_takes_no_plan_from_a_run_that_is_being_made(
    journal: Journal, open_again: Callable[[], Journal]
) -> None:
    """Who deletes the only run of a plan while another run of it is being made waits for that, and leaves the plan."""
    other, made = open_again(), RunId("run-2")
    with ThreadPoolExecutor(1) as threads:
        with other.writing() as connection:
            digest = entries.store_plan(connection, made, PLAN)
            entry = entries.Entry(made, "x", digest, digest, 1.0, stream=1, head=0, epoch=0, seal="")
            entries.add(connection, entry)
            deleting = threads.submit(remove_run, journal, RUN, (), period=60.0)
            wait_for(lambda: deleting.done() or _waiting(journal), what="the deletion to wait or to end")
        deleting.result()

    assert [entry.run_id for entry in journal.runs()] == [made]
    assert journal.plan(made) == PLAN


def _waiting(journal: Journal) -> int:
    """Count who waits for a lock."""
    with journal.reading() as connection:
        found = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(connection.scalar(found) or 0)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE swarm_events SET at = at + 1 WHERE seq = 2", "record 2 does not match its checksum"),
        ("DELETE FROM swarm_events WHERE seq = 2", "record 2 is missing"),
        ("DELETE FROM swarm_events WHERE seq = 3", "record 3 is missing"),
    ],
)
def test_damage_is_noticed(journal: Journal, statement: str, message: str) -> None:
    """A changed or lost record is named here too."""
    journal.append(RUN, [EVENT] * 3)
    execute(journal.url, statement)

    with pytest.raises(Damaged, match=message):
        journal.records(RUN)


def test_a_server_that_is_away_is_told_without_its_password() -> None:
    """The message names the address, and no secret."""
    with pytest.raises(JournalError, match="cannot be opened") as refused:
        Journal("postgresql+psycopg://swarm:hush@127.0.0.1:1/x")

    assert "hush" not in str(refused.value)
