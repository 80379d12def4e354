"""Journals of earlier versions: they become ours with everything in them, or are left alone with a clear message."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError
from tests.core.histories import verified
from tests.journal import version1
from tests.journal.conftest import PLAN, RUN
from tests.journal.servers import execute

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import Damaged, JournalError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.state import ItemStatus
from prefect_swarm.journal import migration, schema
from prefect_swarm.journal.lease import this_process
from prefect_swarm.journal.store import Journal

OTHER = RunId("run-2")
HAPPENED: list[on.Event] = [
    on.PlanCompiled(plan=PLAN.digest, requirements=2, items=2),
    on.RunStarted(plan=PLAN.digest, max_parallel=3),
    *verified("A"),
    on.ErrorOccurred(where="test", message="\x00 höchstens \U0001f600"),
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an old journal may be written."""
    found = f"sqlite:///{tmp_path}/journal.db" if request.param == "sqlite" else request.getfixturevalue("database")
    assert isinstance(found, str)
    return found


@pytest.fixture
def old(url: str) -> str:
    """A journal of version 1 with two runs."""
    version1.write_journal(url, PLAN, {RUN: HAPPENED, OTHER: HAPPENED[:3]})
    return url


def test_an_old_journal_is_gone_on_with(old: str) -> None:
    """Plan, records and state of its runs are as they were, and they can be executed further."""
    with closing(Journal(old)) as journal:
        assert {entry.run_id for entry in journal.runs()} == {RUN, OTHER}
        assert [record.event for record in journal.records(RUN)] == HAPPENED
        assert [record.at for record in journal.records(OTHER)] == [10 + n / 3 for n in (1, 2, 3)]
        assert journal.plan(RUN) == PLAN
        assert journal.state(RUN).items[PLAN.items[0].id].status is ItemStatus.VERIFIED

        epoch = journal.take_lease(RUN, period=60.0)
        journal.append(RUN, [on.RunResumed(reason="again")], epoch=epoch)

        assert epoch == 4

    with closing(Journal(old)) as again:
        assert len(again.records(RUN)) == len(HAPPENED) + 1


def test_an_old_journal_has_afterwards_the_tables_of_a_new_one(old: str) -> None:
    """Whatever the way to it, a journal of this version has the same tables and columns."""
    Journal(old).close()
    engine = create_engine(old)
    found = {name: {one["name"] for one in inspect(engine).get_columns(name)} for name in schema.metadata.tables}
    engine.dispose()

    assert found == {table.name: {column.name for column in table.c} for table in schema.metadata.sorted_tables}


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE swarm_events SET at = at + 1 WHERE seq = 3 AND run_id = 'run-1'", "record 3 does not match"),
        ("UPDATE swarm_events SET checksum = 'x' WHERE seq = 3 AND run_id = 'run-1'", "record 3 does not match"),
        ("DELETE FROM swarm_events WHERE seq = 3 AND run_id = 'run-1'", "record 3 is missing"),
        ("DELETE FROM swarm_events WHERE seq > 5 AND run_id = 'run-1'", "record 6 is missing"),
        ("UPDATE swarm_runs SET head = head + 1 WHERE run_id = 'run-1'", f"record {len(HAPPENED) + 1} is missing"),
    ],
)
def test_what_was_damaged_stays_noticed(old: str, statement: str, message: str) -> None:
    """Sealing anew hides no damage: it is told at the same record, and other runs are none the worse."""
    execute(old, statement)

    with closing(Journal(old)) as journal:
        with pytest.raises(Damaged, match=message):
            journal.records(RUN)
        assert len(journal.records(OTHER)) == 3


def test_many_may_open_an_old_journal_at_once(old: str) -> None:
    """One of them brings it up to date, the others wait for that."""

    def count() -> int:
        with closing(Journal(old)) as journal:
            return len(journal.records(RUN))

    with ThreadPoolExecutor(6) as threads:
        found = [threads.submit(count) for _ in range(6)]

    assert [one.result() for one in found] == [len(HAPPENED)] * 6


def test_a_migration_that_breaks_off_leaves_the_old_journal(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until everything is done nothing is, and the next one who opens the journal does it."""

    def break_off(_previous: str, _row: object) -> str:
        raise OSError("pulled the plug")

    with monkeypatch.context() as broken:  # there is no other way to be stopped between two statements
        broken.setattr(migration, "seal", break_off)
        with pytest.raises(JournalError, match="pulled the plug"):
            Journal(old)

    with closing(Journal(old)) as journal:
        assert len(journal.records(RUN)) == len(HAPPENED)


def test_a_copy_of_the_old_file_is_kept(tmp_path: Path) -> None:
    """Beside the file lies what it was, which version 1 can go on with."""
    url = f"sqlite:///{tmp_path}/journal.db"
    version1.write_journal(url, PLAN, {RUN: HAPPENED})

    Journal(url).close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.db", "journal.db.v1"]
    with closing(sqlite3.connect(tmp_path / "journal.db.v1")) as copy:
        rows = copy.execute("SELECT * FROM swarm_events ORDER BY seq").fetchall()
        assert rows == [tuple(row.values()) for row in version1.rows_of(RUN, HAPPENED)]


def test_an_old_journal_in_use_is_left_alone(url: str) -> None:
    """While an executor of the old version works, nobody changes its tables under it; the message names it."""
    mine = this_process().model_dump()
    del mine["space"]
    version1.write_journal(url, PLAN, {RUN: HAPPENED}, holder=json.dumps(mine))

    with pytest.raises(JournalError, match=f"run run-1 is being executed by process {mine['pid']} on .*: let it end"):
        Journal(url)

    execute(url, "UPDATE swarm_leases SET holder = ''")
    Journal(url).close()


def test_an_old_process_cannot_write_into_the_new_tables(old: str) -> None:
    """Whoever of version 1 still runs is refused by the database, rather than writing what nobody can read."""
    Journal(old).close()

    for columns, statement in (
        (
            "origin",
            "INSERT INTO swarm_runs (run_id, project, plan, created, stream, head) VALUES ('r', '', '', 1, 1, 0)",
        ),
        ("checksum", "SELECT checksum FROM swarm_events"),
    ):
        with pytest.raises(SQLAlchemyError, match=columns):
            execute(old, statement)
