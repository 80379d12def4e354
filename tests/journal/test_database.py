"""How a journal is opened, and when that is refused."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from tests.journal.conftest import PLAN, RUN

from prefect_swarm.core.errors import JournalError
from prefect_swarm.core.events import ErrorOccurred
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.database import open_database
from prefect_swarm.journal.home import open_journal, state_folder
from prefect_swarm.journal.store import Journal


class Mount(NamedTuple):
    """A mounted file system, as psutil tells of it."""

    mountpoint: str
    fstype: str


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what is mounted where: a network file system cannot be mounted in a test, so psutil's answer is played."""

    def set_to(*pairs: tuple[Path, str]) -> None:
        found = [Mount(str(place), kind) for place, kind in ((Path("/"), "ext4"), *pairs)]

        def mounted(*, all: bool) -> list[Mount]:  # noqa: A002 - as psutil names it
            return found if all else []

        monkeypatch.setattr(psutil, "disk_partitions", mounted)

    return set_to


def test_a_state_folder_is_for_its_owner_alone(folder: Path, journal: Journal) -> None:
    """The folder is made with mode 0700, and the journal lies in it."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / "journal.db").is_file()
    assert journal.url == f"sqlite:///{folder}/journal.db"


@pytest.mark.parametrize("name", ["a b", "what?x=1", "100%", "#1", "ü", "a;b"])
def test_a_state_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    """No letter of the folder's name is taken for a part of the database URL."""
    with closing(Journal.at(tmp_path / name)) as journal:
        journal.create(RUN, PLAN)

    assert (tmp_path / name / "journal.db").is_file()
    with closing(Journal(journal.url)) as again:
        assert again.plan(RUN) == PLAN


def test_what_is_acknowledged_survives_a_power_cut(journal: Journal) -> None:
    """The database is opened so that a commit is on the disk when it returns."""
    engine = open_database(journal.url)
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()

    engine.dispose()
    assert (mode, synchronous) == ("wal", 2)  # 2 is FULL


@pytest.mark.usefixtures("journal")
def test_a_journal_of_another_version_is_refused(folder: Path) -> None:
    """Tables that this program does not know are left alone, and the user is told what to do."""
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        database.execute("UPDATE swarm_meta SET value = '999'")

    with pytest.raises(JournalError, match=r"has version 999, this program reads 2: use the prefect-swarm that wrote"):
        Journal.at(folder)


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    """A file of somebody else is not touched, and the message names it."""
    folder.mkdir()
    (folder / "journal.db").write_text("not a database, but long enough to be taken for one\n" * 100)

    with pytest.raises(JournalError, match=r"the journal sqlite:////.*journal\.db cannot be opened"):
        Journal.at(folder)

    assert (folder / "journal.db").read_text().startswith("not a database")


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smbfs", "9p", "fuse.sshfs"])
def test_sqlite_on_a_network_file_system_is_refused(folder: Path, mounts: Callable[..., None], kind: str) -> None:
    """SQLite loses data there, so the user is told of two ways out."""
    mounts((folder.parent, kind))

    with pytest.raises(JournalError, match=rf"network file system \({kind}\).*SWARM_HOME.*SWARM_JOURNAL"):
        Journal.at(folder)


def test_the_innermost_mount_decides(folder: Path, mounts: Callable[..., None]) -> None:
    """A local disk below a network mount is local."""
    mounts((folder.parent.parent, "nfs4"), (folder.parent, "xfs"))

    Journal.at(folder).close()

    assert (folder / "journal.db").exists()


def test_a_neighbour_on_the_network_does_not_matter(folder: Path, mounts: Callable[..., None]) -> None:
    """A mount whose name only begins the same is another folder."""
    mounts((folder.parent / "sta", "nfs4"))

    Journal.at(folder).close()

    assert (folder / "journal.db").exists()


def test_a_table_that_is_gone_is_told_as_trouble_with_the_journal(folder: Path, journal: Journal) -> None:
    """Errors of the database arrive as ours, in one line."""
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        database.execute("DROP TABLE swarm_events")

    with pytest.raises(JournalError, match=r"the journal cannot be used: .*no such table"):
        journal.append(RUN, [ErrorOccurred(where="test", message="x")])


def test_the_state_folder_is_that_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that was set is taken, `~` meaning the user's home; else the user's state folder for this program."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)

    assert state_folder(Settings(home="~/swarm")) == tmp_path / "swarm"
    assert state_folder(Settings(home="/srv/swarm")) == Path("/srv/swarm")
    assert "prefect-swarm" in state_folder(Settings()).parts


def test_all_who_ask_for_a_folders_journal_share_it(tmp_path: Path) -> None:
    """One journal per folder and process, so that a listener hears of every commit of the process."""
    one, two = (open_journal(Settings(home=str(tmp_path / "home"))) for _ in range(2))
    named = open_journal(Settings(journal=f"sqlite:///{tmp_path}/other.db"))

    assert one is two
    assert named is not one
    one.close()
    named.close()
