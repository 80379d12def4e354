"""How a command comes to a Prefect server: the one that is configured, else the private one of the state folder."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager

from prefect_swarm.core.settings import Settings
from prefect_swarm.flows.server import configured_server, private_server, require_server
from prefect_swarm.journal.home import state_folder

ENVIRONMENT = {
    # Failures are told by the journal and shown by us; Prefect's own lines would tear the display apart.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_CLIENT_MAX_RETRIES": "3",  # 14 s at each call to a server that is gone; by default it is a minute
}
"""What Prefect's client is told unless the user says otherwise."""


def find_configured() -> str | None:
    """Prepare the environment for Prefect, and give the address of the configured server, None where none is.

    Raises Unavailable where it does not answer.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    url = configured_server(os.environ)
    if url is not None:
        require_server(url)
    return url


@contextmanager
def prefect_server(
    url: str | None, settings: Settings, *, keep: bool, say: Callable[[str], None]
) -> Generator[None, None, None]:
    """Have a Prefect server, the one at `url` or else a private one, and the environment say where.

    Prefect must not have been imported before. Raises Unavailable where a private one does not start.
    """
    if url is not None:
        say(f"Prefect server: {url}")
        yield
        return
    home = state_folder(settings) / "prefect"
    with private_server(home, timeout=settings.server_start_timeout, keep=keep, say=say) as server:
        os.environ.pop("PREFECT_API_KEY", None)  # it would win over the private server's password
        os.environ.update(server.client_environment(home))
        say(f"Prefect server: {server.url} (password in {home / 'server.json'})")
        yield
