"""PostgreSQL servers of the tests' own: started, stopped, killed and started again."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import create_engine, text

from prefect_swarm.testing.waiting import wait_for


class Server:
    """A PostgreSQL server with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Make its cluster; it runs from `start` on."""
        self._programs, self._owner = _programs(), _owner(folder)
        self._folder, self._place = folder, folder / "cluster"
        initdb = ["initdb", "-D", str(self._place), "-U", "swarm", "-A", "trust", "-E", "UTF8", "--no-sync"]
        initdb[0] = str(self._programs / initdb[0])
        made = subprocess.run(initdb, capture_output=True, text=True, cwd=folder, user=self._owner)
        assert made.returncode == 0, made.stderr
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"postgresql+psycopg://swarm@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = [str(self._programs / "postgres"), "-D", str(self._place), "-F"]
        self._process = subprocess.Popen(
            [*program, "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self._folder)],
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            user=self._owner,
            start_new_session=True,
        )
        wait_for(self.answers, what="PostgreSQL", timeout=60)

    @property
    def pid(self) -> int:
        """The process that the others are children of."""
        return self._process.pid

    def answers(self) -> bool:
        """Whether it can be asked."""
        try:
            execute(f"{self.url}/postgres", "SELECT 1")
        except Exception:  # noqa: BLE001 - whatever the reason, it does not answer yet
            return False
        return True

    def kill(self) -> None:
        """Kill it and all its processes at once, and wait until nothing of it is left."""
        session = self._process.pid
        os.killpg(session, signal.SIGKILL)
        self._process.wait(30)
        wait_for(lambda: not _group_lives(session), what="the end of the server")

    def stop(self) -> None:
        """Stop it, unless it was killed."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # fast: it does not wait for those who are connected
            self._process.wait(30)


@contextmanager
def postgres() -> Generator[Server]:
    """Have a server as long as it is needed; not below pytest's folder, which every pytest shuts to other users."""
    with TemporaryDirectory(prefix="swarm-postgres-") as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def execute(url: str, statement: str) -> None:
    """Run a statement by itself."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def _programs() -> Path:
    """Find the folder of the PostgreSQL programs, of which distributions put only some on PATH."""
    found = shutil.which("initdb") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if found is None:
        pytest.skip("missing: PostgreSQL")
    return Path(found).resolve().parent


def _owner(folder: Path) -> str | None:
    """Give the folder to a user whom PostgreSQL serves, which root is not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        if any(user.pw_name == name for user in pwd.getpwall()):
            os.chown(folder, pwd.getpwnam(name).pw_uid, -1)
            return name
    pytest.skip("missing: a user other than root for PostgreSQL")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
