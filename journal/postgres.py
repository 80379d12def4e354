"""A connection to PostgreSQL that does not wait for ever: a server that has fallen silent is told within seconds."""

import time
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import RV, PQGen
from psycopg.rows import TupleRow

SILENCE = 4.0
"""Seconds after which a server that says nothing counts as gone."""
LOCK_PATIENCE = "3s"
"""How long the server lets us wait for another's lock, and then answers that; less than SILENCE."""
CONNECTING: dict[str, Any] = {
    "connect_timeout": 2,
    "tcp_user_timeout": int(SILENCE * 1000),  # what was sent and never acknowledged
    "keepalives_idle": 2,  # and where nothing was to be sent
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "options": f"-c lock_timeout={LOCK_PATIENCE}",
}
"""What a connection is opened with, unless the URL says otherwise."""


class HurriedConnection(Connection[TupleRow]):
    """A connection that is closed when the server is silent in the middle of a statement.

    The kernel's own time limits see only a network that swallows packets, not a server, or something on the
    way to it, that takes them and never answers.
    """

    def wait(self, gen: PQGen[RV], *timing: Any, **named: Any) -> RV:
        """Do what psycopg's does, and raise OperationalError after too long a silence."""
        try:
            return super().wait(_heard(gen), *timing, **named)
        except _Silent:
            self.close()  # by which everyone sees that it is of no more use
            raise


class _Silent(OperationalError):
    pass


def _heard(gen: PQGen[RV]) -> PQGen[RV]:
    """Pass on what is waited for; psycopg looks in every tenth of a second where nothing comes."""
    heard = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                heard = now
            elif now - heard > SILENCE:
                raise _Silent(f"no answer for {SILENCE:.0f} seconds")
            wanted = gen.send(ready)
    except StopIteration as done:
        return done.value
