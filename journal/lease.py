"""Who may execute a run: one holder at a time, each with a higher epoch than the one before.

1. An executor takes the lease: nobody holds it, or its holder is dead, or silent for longer than the lease.
2. It beats every third of the lease, and writes every record with its epoch.
3. Whoever takes over raises the epoch; from then on the old holder's beat and records are refused (Fenced).
"""

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, insert, select, update

from prefect_swarm.core.errors import Fenced, JournalError
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal.schema import leases


class Holder(BaseModel):
    """The process that holds a run."""

    model_config = ConfigDict(frozen=True)

    host: str
    boot: str
    pid: int
    started: float

    def __str__(self) -> str:
        """Name it as a person would look for it."""
        return f"process {self.pid} on {self.host}"

    @property
    def dead(self) -> bool:
        """True where we know that the process is gone; a process of another machine is never known to be dead."""
        me = this_process()
        if self.host != me.host:
            return False
        if self.boot != me.boot:
            return True
        try:
            found = psutil.Process(self.pid)
            another = abs(found.create_time() - self.started) > 1.0
            return another or found.status() == psutil.STATUS_ZOMBIE  # over, though its parent has not looked yet
        except psutil.NoSuchProcess:
            return True


def this_process() -> Holder:
    """Describe the running process so that another one can tell whether it still lives."""
    return Holder(host=socket.gethostname(), boot=_boot(), pid=os.getpid(), started=psutil.Process().create_time())


def _boot() -> str:
    marker = Path("/proc/sys/kernel/random/boot_id")
    return marker.read_text().strip() if marker.exists() else str(psutil.boot_time())


def take(connection: Connection, run_id: RunId, *, now: float, period: float) -> int | Holder:
    """Take the lease within the open transaction: the new epoch, or the holder who still has it."""
    row = connection.execute(select(leases).where(leases.c.run_id == run_id).with_for_update()).one_or_none()
    mine = this_process().model_dump_json()
    if row is None:
        connection.execute(insert(leases).values(run_id=run_id, epoch=1, holder=mine, beat=now))
        return 1
    holder = _holder(row.holder)
    if holder is not None and not holder.dead and now - row.beat < period:
        return holder
    epoch = row.epoch + 1
    connection.execute(update(leases).where(leases.c.run_id == run_id).values(epoch=epoch, holder=mine, beat=now))
    return epoch


def current(connection: Connection, run_id: RunId) -> tuple[int, Holder | None]:
    """Give the epoch (0 before the first) and the holder, None where the lease is free."""
    row = connection.execute(select(leases).where(leases.c.run_id == run_id)).one_or_none()
    return (0, None) if row is None else (row.epoch, _holder(row.holder))


def beat(connection: Connection, run_id: RunId, epoch: int, *, now: float) -> None:
    """Say that the holder lives. Raises Fenced where another has taken over."""
    mine = (leases.c.run_id == run_id) & (leases.c.epoch == epoch) & (leases.c.holder != "")
    if connection.execute(update(leases).where(mine).values(beat=now)).rowcount == 0:
        raise Fenced(f"run {run_id} was taken over by another executor")


def release(connection: Connection, run_id: RunId, epoch: int) -> None:
    """Give the lease back; nothing happens where another has taken over."""
    mine = (leases.c.run_id == run_id) & (leases.c.epoch == epoch)
    connection.execute(update(leases).where(mine).values(holder=""))


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
        """Call `send` every `period` seconds; `lost` once, when it raises Fenced."""
        self._send, self._period, self._lost = send, period, lost
        self._stopped = threading.Event()
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
        while not self._stopped.wait(self._period):
            try:
                self._send()
            except Fenced as error:
                self._lost(error)
                return
            except JournalError:
                continue  # away for a moment: a lease outlives two missed beats, then a successor fences us
