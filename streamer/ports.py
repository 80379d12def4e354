"""Where the streamer of a journal answers: the first pair of ports that is free or already ours."""

import errno
import hashlib
import secrets
import socket
from dataclasses import dataclass
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

import psutil
from pydantic import ValidationError

from prefect_swarm.core.errors import Unavailable
from prefect_swarm.core.requirement import Value
from prefect_swarm.core.settings import Settings
from prefect_swarm.streamer.guard import Tokens, proof_of

HOST = "127.0.0.1"
SERVICE = "prefect-swarm"
PAIRS = 20
"""Pairs that are tried, each one port higher than the one before."""
PATIENCE = 2.0
"""Seconds that another streamer, which may just have taken the ports, is given to answer."""
_DIRECT = build_opener(ProxyHandler({}))


class Health(Value):
    """What `/healthz` answers; `proof` only to a challenge."""

    service: str
    journal: str
    websocket: int
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """The two ports of a streamer on this machine."""

    http: int
    websocket: int

    @property
    def page(self) -> str:
        """URL of the page and of REST, without a slash at the end."""
        return f"http://{HOST}:{self.http}"

    @property
    def stream(self) -> str:
        """URL of the WebSocket."""
        return f"ws://{HOST}:{self.websocket}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to serve, or where our own streamer already serves; `avoided` names who held the ports before it."""

    address: Address
    sockets: tuple[socket.socket, socket.socket] | None
    avoided: tuple[str, ...] = ()


def journal_key(url: str) -> str:
    """Name a journal without telling where it lies."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def find_place(settings: Settings, url: str, tokens: Tokens) -> Place:
    """Take the first free pair of ports, unless the journal's own streamer is met before it.

    Raises Unavailable naming who holds the ports where all are taken.
    """
    avoided: list[str] = []
    for step in range(PAIRS):
        wanted = Address(settings.http_port + step, settings.websocket_port + step)
        if max(wanted.http, wanted.websocket) > 65535:  # noqa: PLR2004 - the last port there is
            break
        taken = _listen(wanted)
        if not isinstance(taken, int):
            return Place(wanted, taken, tuple(avoided))
        found = ours(wanted.http, url, tokens)
        if found is not None:
            return Place(found, None, tuple(avoided))
        avoided.append(f"port {taken} is taken by {owner_of(taken)}")
    raise Unavailable(f"no free ports for the dashboard: {avoided[0]}; set SWARM_HTTP_PORT and SWARM_WEBSOCKET_PORT")


def ours(port: int, url: str, tokens: Tokens) -> Address | None:
    """Give the address of the journal's streamer if it answers on a port and proves that it knows the tokens."""
    challenge = secrets.token_hex(16)
    try:
        with _DIRECT.open(f"http://{HOST}:{port}/healthz?challenge={challenge}", timeout=PATIENCE) as answer:
            health = Health.model_validate_json(answer.read(10_000))
    except (OSError, HTTPException, ValidationError):
        return None  # nobody there, or somebody else
    right = health.service == SERVICE and health.journal == journal_key(url)
    proved = secrets.compare_digest(health.proof, proof_of(tokens, challenge))
    return Address(port, health.websocket) if right and proved else None


def locate(settings: Settings, url: str, tokens: Tokens) -> Address | None:
    """Give the address of the journal's streamer, None where none answers on the configured ports."""
    return ours(settings.http_port, url, tokens)


def owner_of(port: int) -> str:
    """Name the process that listens on a port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return "a process that this user may not see"
    return "another program"


def _listen(wanted: Address) -> tuple[socket.socket, socket.socket] | int:
    """Listen on both ports, or give the one that is taken."""
    opened: list[socket.socket] = []
    for port in (wanted.http, wanted.websocket):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.append(listener)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError as error:
            for one in opened:
                one.close()
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            return port
    return opened[0], opened[1]
