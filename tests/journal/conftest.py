"""Journals for the tests of the journal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.journal.servers import Server, execute, postgres

from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.failpoint import fill
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part, plan_of

RUN = RunId("run-1")
PLAN = plan_of(Part("A"), Part("B", needs=("A",)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state folder of the test."""
    return tmp_path / "state"


@pytest.fixture
def open_again(folder: Path) -> Iterator[Callable[[], Journal]]:
    """Opens the journal of the state folder, as another process would; all are closed at the end."""
    opened: list[Journal] = []

    def open_one() -> Journal:
        opened.append(Journal.at(folder))
        return opened[-1]

    yield open_one
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_again: Callable[[], Journal]) -> Journal:
    """A journal with one run that nothing has happened in."""
    journal = open_again()
    journal.create(RUN, PLAN)
    return journal


@pytest.fixture
def plan() -> Plan:
    """The plan of the run."""
    return PLAN


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server that the tests of this room share; whoever stops it starts it again."""
    with postgres() as running:
        yield running


@pytest.fixture
def database(server: Server) -> str:
    """The URL of an empty database on that server."""
    name = f"t{uuid4().hex}"
    execute(f"{server.url}/postgres", f"CREATE DATABASE {name}")
    return f"{server.url}/{name}"


@pytest.fixture
def failpoints() -> Iterator[Callable[[Callable[[str], None]], None]]:
    """Fills the failpoints of this process until the end of the test."""
    yield fill
    fill(None)


@pytest.fixture
def settings(folder: Path) -> Settings:
    """Settings of the state folder."""
    return Settings(home=str(folder))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder that the agents worked in, with a result."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "A.txt").write_text("made by an agent")
    return tmp_path / "work"
