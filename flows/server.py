"""Where Prefect's server comes from: the one that is configured, else a private one in the state folder.

Processes that use the private server hold a shared lock on it; whoever leaves last stops it, and the kernel
frees the lock of a process that dies. It is never Prefect's hidden ephemeral server.
"""

import base64
import fcntl
import os
import secrets
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

from prefect_swarm.core.errors import Unavailable

Say = Callable[[str], None]

FAST = {
    # Measured on Prefect 3.8: 25 instead of 72 ms of server CPU a task, and settled 1 s instead of 5.5 s after 100.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
}
SAFE = {
    # In memory, a restarted server would keep slots taken for ever (PrefectHQ/prefect#20090).
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process started: kept, since a Popen complains when it is forgotten while its program runs."""


class PrivateServer(BaseModel):
    """A running private server, as it is written down for other processes."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float
    port: int
    password: str

    @property
    def url(self) -> str:
        """The address of its UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """True where the process still is the one that was started."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def client_environment(self, home: Path) -> dict[str, str]:
        """What Prefect's client needs to reach it; set before Prefect is imported."""
        return {
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_API_AUTH_STRING": self.password,
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        }


def configured_server(environ: Mapping[str, str]) -> str | None:
    """Give the API address that the environment or Prefect's active profile names, None where neither does."""
    if environ.get("PREFECT_API_URL"):
        return environ["PREFECT_API_URL"]
    home = Path(environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    path = Path(environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    if not path.is_file():
        return None
    profiles = tomllib.loads(path.read_text(encoding="utf-8"))
    active = environ.get("PREFECT_PROFILE") or profiles.get("active", "")
    return profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL")


def require_server(url: str) -> None:
    """Raise Unavailable where no Prefect API answers at the address within 5 seconds."""
    if not healthy(url, timeout=5.0):
        raise Unavailable(
            f"no Prefect server answers at {url}: start it, or unset PREFECT_API_URL to use a private one"
        )


@contextmanager
def private_server(home: Path, *, timeout: float, keep: bool, say: Say) -> Generator[PrivateServer, None, None]:
    """Use the private server of the state folder, starting it where it does not run; stop it when nobody uses it.

    `timeout` in seconds for its start; `say` is told what is waited for. Raises Unavailable where it does not start.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield _running(home, timeout, say)
        finally:
            if not keep:
                _leave(home, users.fileno())


def _running(home: Path, timeout: float, say: Say) -> PrivateServer:
    with (home / "start.lock").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        server = _known(home)
        if server is not None and healthy(server.url + "/api", timeout=5.0):
            return server
        server = _start(home)
        _await(server, home, timeout, say)
        return server


def _known(home: Path) -> PrivateServer | None:
    path = home / "server.json"
    if not path.exists():
        return None
    server = PrivateServer.model_validate_json(path.read_text(encoding="utf-8"))
    return server if server.alive else None


def _start(home: Path) -> PrivateServer:
    port, password = _free_port(), f"swarm:{secrets.token_urlsafe(24)}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= FAST | SAFE
    environment |= {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_API_AUTH_STRING": password,
        "PREFECT_SERVER_ENCRYPTION_KEY": _encryption_key(home),
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),  # its default is a folder inside site-packages
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
    }
    argv = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("ab") as log:
        # A session of its own: Ctrl-C in the terminal is for the run, which then stops the server itself.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True, cwd=home
        )
    _children[process.pid] = process
    started = psutil.Process(process.pid).create_time()
    server = PrivateServer(pid=process.pid, started=started, port=port, password=password)
    _write(home / "server.json", server.model_dump_json())
    return server


def _await(server: PrivateServer, home: Path, timeout: float, say: Say) -> None:
    begun = time.monotonic()
    say(f"starting a private Prefect server at {server.url} (10 to 60 s the first time)")
    while not healthy(server.url + "/api", timeout=2.0):
        if not server.alive or time.monotonic() - begun > timeout:
            why = "ended" if not server.alive else f"did not answer within {timeout:.0f} s"
            _end(server)
            raise Unavailable(f"the private Prefect server {why}; its log: {home / 'server.log'}\n{_log_tail(home)}")
        time.sleep(0.2)


def _log_tail(home: Path) -> str:
    return (home / "server.log").read_text(encoding="utf-8", errors="replace")[-1500:]


def _leave(home: Path, users: int) -> None:
    """Stop the server if no other process uses it."""
    with (home / "start.lock").open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)  # nobody can begin to use it between our look and its end
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        server = _known(home)
        if server is not None:
            _end(server)
            (home / "server.json").unlink()


def _end(server: PrivateServer) -> None:
    try:
        process = psutil.Process(server.pid)
    except psutil.NoSuchProcess:
        return
    everyone = [*process.children(recursive=True), process]
    for one in everyone:
        _signal(one, kill=False)
    _, alive = psutil.wait_procs(everyone, timeout=5)
    for one in alive:
        _signal(one, kill=True)
    psutil.wait_procs(alive, timeout=5)
    if server.pid in _children:
        _children.pop(server.pid).wait()


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


def healthy(api: str, *, timeout: float) -> bool:
    """Tell whether a Prefect API answers at the address within so many seconds."""
    try:
        with urllib.request.urlopen(f"{api.rstrip('/')}/health", timeout=timeout) as answer:  # noqa: S310 - http(s) only, from settings
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _encryption_key(home: Path) -> str:
    """The key of the server's secrets, kept beside its database and not in it."""
    path = home / "encryption.key"
    if not path.exists():
        _write(path, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return path.read_text(encoding="ascii").strip()


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
