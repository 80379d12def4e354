"""Who may execute a run: one holder at a time, each with a higher epoch than the one before.

1. An executor takes the lease: nobody holds it, or its holder is dead, or silent for longer than the holder's period.
2. It beats every third of the period, and writes every record with its epoch.
3. Whoever takes over raises the epoch; from then on the old holder's beat and records are refused (Fenced).

How long a holder was silent is told by the monotonic clock, which all processes of one boot share and nobody sets.
A holder of an earlier boot of this machine is dead. The silence of another machine, with which only a database
server can be shared, is told by the clock of that server.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, Insert, Update, insert, select, update

from prefect_swarm.core.errors import Damaged, Fenced, JournalError, StorageFailed
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal.chain import stamp
from prefect_swarm.journal.schema import leases

PATIENCE = 3.0
"""Seconds for which storage may refuse beats before the executor is told."""
AGAIN = 1.0
"""Seconds after which a beat that failed is tried again, at the latest."""


class Holder(BaseModel):
    """The process that holds a run."""

    model_config = ConfigDict(frozen=True)

    host: str
    boot: str
    space: str = ""
    """Where its number counts: containers on one machine number their processes each for itself."""
    pid: int
    started: float

    def __str__(self) -> str:
        """Name it as a person would look for it."""
        return f"process {self.pid} on {self.host}"

    @property
    def dead(self) -> bool:
        """True where we know that the process is gone; one that we cannot look for is never known to be dead."""
        me = this_process()
        if self.boot != me.boot:
            return self.host == me.host
        if (self.host, self.space) != (me.host, me.space):
            return False
        try:
            found = psutil.Process(self.pid)
            another = abs(found.create_time() - self.started) > 1.0
            return another or found.status() == psutil.STATUS_ZOMBIE  # over, though its parent has not looked yet
        except psutil.NoSuchProcess:
            return True


def this_process() -> Holder:
    """Describe the running process so that another one can tell whether it still lives."""
    started = psutil.Process().create_time()
    return Holder(host=socket.gethostname(), boot=_boot(), space=_space(), pid=os.getpid(), started=started)


def _boot() -> str:
    marker = Path("/proc/sys/kernel/random/boot_id")
    return marker.read_text().strip() if marker.exists() else str(psutil.boot_time())


def _space() -> str:
    marker = Path("/proc/self/ns/pid")
    return str(marker.readlink()) if marker.is_symlink() else ""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, as the clocks of this machine tell it."""

    clock: float
    """Seconds since 1970."""
    ticks: float
    """Seconds of the monotonic clock."""


class Lease(NamedTuple):
    """A lease as it lies in the table; the fields are its columns."""

    run_id: str
    epoch: int
    holder: str
    beat: float
    ticks: float
    period: float
    seal: str


def take(connection: Connection, run_id: RunId, moment: Moment, *, known: int, period: float) -> int | Holder:
    """Take the lease within the open transaction: the new epoch, or the holder who still has it.

    `known` is the epoch that the run's entry knows of. Raises Damaged where the lease is another one.
    """
    old = _known(_find(connection, run_id, lock=True), run_id, known)
    holder = None if old is None else _live_holder(connection, old, moment)
    if holder is not None:
        return holder
    epoch = 1 if old is None else old.epoch + 1
    mine = this_process().model_dump_json()
    taken = Lease(run_id, epoch, mine, _clock(connection, moment), moment.ticks, float(period), seal="")
    _write(connection, taken, insert(leases) if old is None else _update(run_id))
    return epoch


def live_holder(connection: Connection, run_id: RunId, moment: Moment, *, known: int) -> Holder | None:
    """Give the holder, None where the lease is free, or its holder is dead or silent for too long."""
    found = _known(_find(connection, run_id), run_id, known)
    return None if found is None else _live_holder(connection, found, moment)


def beat(connection: Connection, run_id: RunId, epoch: int, moment: Moment) -> None:
    """Say that the holder lives. Raises Fenced where another has taken over."""
    held = _find(connection, run_id, lock=True)
    if held is None or held.epoch != epoch or not held.holder:
        raise Fenced(f"run {run_id} was taken over by another executor")
    _write(connection, held._replace(beat=_clock(connection, moment), ticks=moment.ticks), _update(run_id))


def release(connection: Connection, run_id: RunId, epoch: int) -> None:
    """Give the lease back; nothing happens where another has taken over."""
    held = _find(connection, run_id, lock=True)
    if held is not None and held.epoch == epoch:
        _write(connection, held._replace(holder=""), _update(run_id))


def _live_holder(connection: Connection, lease: Lease, moment: Moment) -> Holder | None:
    holder = _holder(lease.holder)
    if holder is None or holder.dead:
        return None
    if holder.boot == this_process().boot:
        silent = moment.ticks - lease.ticks
    elif connection.dialect.name == "sqlite":
        return None  # a file is of one machine, which was started anew since
    else:
        silent = _clock(connection, moment) - lease.beat
    return None if silent >= lease.period else holder


def _clock(connection: Connection, moment: Moment) -> float:
    """The time on which all who share the database agree."""
    if connection.dialect.name == "sqlite":
        return moment.clock
    found = connection.exec_driver_sql("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")
    return float(found.scalar_one())


def _find(connection: Connection, run_id: RunId, *, lock: bool = False) -> Lease | None:
    query = select(leases).where(leases.c.run_id == run_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    found = None if row is None else Lease._make(row)
    if found is not None and _sealed(found) != found:
        raise _damaged(run_id)
    return found


def _known(lease: Lease | None, run_id: RunId, epoch: int) -> Lease | None:
    if (0 if lease is None else lease.epoch) != epoch:
        raise _damaged(run_id)
    return lease


def _damaged(run_id: RunId) -> Damaged:
    return Damaged(f"run {run_id}: its lease is damaged; restore the journal from a backup")


def _update(run_id: RunId) -> Update:
    return update(leases).where(leases.c.run_id == run_id)


def _write(connection: Connection, lease: Lease, statement: Insert | Update) -> None:
    connection.execute(statement.values(_sealed(lease)._asdict()))


def _sealed(lease: Lease) -> Lease:
    return lease._replace(seal=stamp(lease[:-1]))


def _holder(text: str) -> Holder | None:
    if not text:
        return None
    try:
        return Holder.model_validate(json.loads(text))
    except (ValidationError, json.JSONDecodeError) as error:
        raise JournalError(f"the lease's holder cannot be read: {text!r}") from error


class Pulse:
    """Beats in a thread of its own while an executor is at work, and says when the lease is lost."""

    def __init__(self, send: Callable[[], None], *, period: float, lost: Callable[[JournalError], None]) -> None:
        """Call `send` every `period` seconds; `lost` once: when it raises Fenced, or StorageFailed for too long."""
        self._send, self._period, self._lost = send, period, lost
        self._stopped = threading.Event()
        self._failing_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="swarm-lease", daemon=True)

    def __enter__(self) -> Self:
        """Start beating."""
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Stop beating."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        pause = self._period
        while not self._stopped.wait(pause):
            trouble = self._beat()
            if trouble is not None and self._is_over(trouble):
                self._lost(trouble)
                return
            pause = self._period if trouble is None else min(self._period, AGAIN)

    def _beat(self) -> JournalError | None:
        begun = time.monotonic()
        try:
            self._send()
        except JournalError as error:
            self._failing_since = begun if self._failing_since is None else self._failing_since
            return error
        self._failing_since = None
        return None

    def _is_over(self, trouble: JournalError) -> bool:
        """Whether another has taken over, or storage fails for so long that nobody can count on it."""
        failing = time.monotonic() - (self._failing_since or 0.0)
        return isinstance(trouble, Fenced) or (isinstance(trouble, StorageFailed) and failing > PATIENCE)
