"""How a program is run so that it can neither hang the run, nor flood it, nor outlive it."""

import errno
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

import psutil

from prefect_swarm.agents.environment import MARKER
from prefect_swarm.core.events import TAIL
from prefect_swarm.core.ports import Stop
from prefect_swarm.journal.failpoint import failpoint

GRACE = 2.0
"""Seconds between asking a process tree to end and ending it."""
LOG_LIMIT = 10 * 1024 * 1024
"""Bytes of output kept in a log; the rest is counted."""
LINE_LIMIT = 64 * 1024
"""Bytes of a line that are looked at; a longer line is no message for us."""
_CHUNK = 64 * 1024
_LAST_READS = 32
"""Times that the pipes are emptied after the end, which is all that two pipes of a megabyte hold."""
_ROUNDS = 10
"""Times that we look again for processes that were born while the others were being ended."""
_TICK = 0.1

OnLine = Callable[[str], None]


class Ending(StrEnum):
    """Why a process is over."""

    EXITED = "exited"
    TIMED_OUT = "timed_out"
    IDLE = "idle"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Job:
    """A program to be run; paths absolute, times in seconds."""

    argv: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str]
    timeout: float
    idle_timeout: float | None = None
    stdin: str | None = None
    """A file that the program reads; None: it reads nothing."""
    log: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went."""

    ending: Ending
    exit_code: int
    output: str
    """Tail of what it printed, on both streams as it came."""
    seconds: float


def run_process(job: Job, *, stop: Stop, on_line: OnLine | None = None) -> Ended:
    """Run a program to its end; afterwards none of its processes is left.

    `on_line` is given each line of its standard output; without it both streams are one, in the order of writing.
    Raises OSError where the program cannot be started.
    """
    begun = time.monotonic()
    process = _start(job, stderr=subprocess.STDOUT if on_line is None else subprocess.PIPE)
    with process:  # closes our ends of its pipes
        try:
            failpoint("after_spawn")
            with closing(_Output(job.log, on_line)) as output:
                ending = _watch(process, output, job, stop, begun)
        finally:
            end_tree(process, job.environment)
    return Ended(ending, process.wait(), output.tail(), time.monotonic() - begun)


def _start(job: Job, *, stderr: int) -> subprocess.Popen[bytes]:
    try:
        with Path(job.stdin or os.devnull).open("rb") as stdin:
            return subprocess.Popen(  # noqa: S603 - an argument list, never a shell
                job.argv,
                cwd=job.cwd,
                env=dict(job.environment),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
    except ValueError as error:  # a NUL among the arguments, an `=` in a variable's name
        raise OSError(errno.EINVAL, str(error), job.argv[0]) from error


def _watch(process: subprocess.Popen[bytes], output: "_Output", job: Job, stop: Stop, begun: float) -> Ending:
    """Read until the program has ended, or must be ended."""
    with selectors.DefaultSelector() as selector:
        for stream in filter(None, (process.stdout, process.stderr)):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        heard = time.monotonic()
        while process.poll() is None:
            if not selector.get_map():
                _wait_briefly(process)  # it has closed its pipes, so it is at its end, or silent from here on
            elif output.read(selector, _TICK, process.stdout):
                heard = time.monotonic()
            ending = _overdue(job, stop, begun=begun, heard=heard)
            if ending is not None:
                return ending
        # A grandchild may hold the pipes open, and may go on filling them: only what is there now is read.
        for _ in range(_LAST_READS):
            if not output.read(selector, 0, process.stdout):
                break
        return Ending.EXITED


def _wait_briefly(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_TICK)


def _overdue(job: Job, stop: Stop, *, begun: float, heard: float) -> Ending | None:
    now = time.monotonic()
    if stop.is_set():
        return Ending.STOPPED
    if now - begun > job.timeout:
        return Ending.TIMED_OUT
    if job.idle_timeout is not None and now - heard > job.idle_timeout:
        return Ending.IDLE
    return None


class _Output:
    """What a program prints: to its log up to a limit, its tail in memory, its lines to whoever listens."""

    def __init__(self, log: str | None, on_line: OnLine | None) -> None:
        self._log = Path(log).open("ab") if log else None  # noqa: SIM115 - closed by close()
        self._written = 0
        self._dropped = 0
        self._tail = b""
        self._line = b""
        self._on_line = on_line

    def read(self, selector: selectors.BaseSelector, timeout: float, stdout: IO[bytes] | None) -> bool:
        """Take what there is; true where there was something."""
        heard = False
        for key, _ in selector.select(timeout):
            chunk = os.read(key.fd, _CHUNK)
            if not chunk:
                selector.unregister(key.fileobj)
                continue
            heard = True
            self._keep(chunk)
            if key.fileobj is stdout and self._on_line is not None:
                self._split(chunk, self._on_line)
        return heard

    def _keep(self, chunk: bytes) -> None:
        self._tail = (self._tail + chunk)[-4 * TAIL :]
        kept = chunk[: max(0, LOG_LIMIT - self._written)]
        self._dropped += len(chunk) - len(kept)
        self._written += len(kept)
        if self._log is not None:
            self._log.write(kept)

    def _split(self, chunk: bytes, on_line: OnLine) -> None:
        *lines, rest = (self._line + chunk).split(b"\n")
        self._line = rest[:LINE_LIMIT]
        for line in lines:
            on_line(line[:LINE_LIMIT].decode("utf-8", "replace"))

    def tail(self) -> str:
        return self._tail.decode("utf-8", "replace")[-TAIL:]

    def close(self) -> None:
        if self._line and self._on_line is not None:
            self._on_line(self._line.decode("utf-8", "replace"))
        if self._log is not None:
            if self._dropped:
                self._log.write(f"\n[{self._dropped} more bytes were not kept]\n".encode())
            self._log.close()


def end_tree(process: subprocess.Popen[bytes], environment: Mapping[str, str]) -> None:
    """End a program, its process group, and whatever left the group but carries the attempt's marker."""
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        _wait_until(lambda: process.poll() is not None, GRACE)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()
    marker = {name: environment[name] for name in MARKER if name in environment}
    if marker:
        end_marked(marker)


def end_marked(marker: Mapping[str, str], *, sure: Callable[[], object] = lambda: None) -> int:
    """End every process whose environment holds all these variables, but ours and its parents; give their number.

    `sure` is called when they are found and before any is ended: where it raises, nobody is.
    """
    ended: set[psutil.Process] = set()
    for number in (signal.SIGTERM, *[signal.SIGKILL] * _ROUNDS):
        found = _marked(marker)
        if not found:
            break
        sure()
        for process in found:
            _tell(process, number)
        _wait_until(lambda found=found: not any(_lives(one) for one in found), GRACE)
        ended.update(found)
    return len(ended)


def _marked(marker: Mapping[str, str]) -> list[psutil.Process]:
    me = psutil.Process()
    ours = {me.pid, *(parent.pid for parent in me.parents())}
    return [one for one in psutil.process_iter() if one.pid not in ours and _carries(one, marker)]


def _lives(process: psutil.Process) -> bool:
    """Tell whether a process still does something; one that its parent has yet to look at does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _carries(process: psutil.Process, marker: Mapping[str, str]) -> bool:
    try:
        environment = process.environ()
    except (psutil.Error, OSError):
        return False  # gone meanwhile, or another user's: not ours in either case
    return all(environment.get(name) == value for name, value in marker.items())


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # gone meanwhile, or it has made itself another user's


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # nobody is left in the group (macOS answers EPERM for one of zombies)


def _wait_until(holds: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
