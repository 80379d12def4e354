"""A shell that types what a document shows, keeps what is printed, and presses Ctrl-C where the document does."""

import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

import psutil


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its exit code, and all it printed, on both streams as it came."""

    exit_code: int
    printed: list[str]


class Shell:
    """One bash, so that a `cd` or an activated environment lasts; nothing is typed into the commands themselves."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start in a folder with exactly this environment."""
        self._mark = f"end-{secrets.token_hex(8)}"
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        """Give the shell."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the shell and whatever a command that did not end has left in its session."""
        with self._bash:
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._reader.join()

    def run(self, command: str, *, press: Callable[[list[str]], bool], timeout: float) -> Ran:
        """Run a command to its end; Ctrl-C is pressed once, as soon as `press` says so of what was printed.

        Raises TimeoutError with what was printed so far.
        """
        assert self._bash.stdin is not None
        self._bash.stdin.write(
            f"{{ {command}\n}} </dev/null\ncode=$?; printf '\\n{self._mark} %d\\n' $code; (exit $code)\n"
        )
        self._bash.stdin.flush()
        deadline, pressed = time.monotonic() + timeout, False
        printed: list[str] = []
        while not (printed and printed[-1].startswith(self._mark)):
            printed.append(self._next(deadline, printed))
            if not pressed and press(printed):
                pressed = True
                self._interrupt()
        return Ran(int(printed[-1].split()[1]), printed[:-1])

    def _next(self, deadline: float, printed: list[str]) -> str:
        try:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            line = None
        if line is None:
            raise TimeoutError("\n".join(["the command did not end; it printed:", *printed]))
        return line

    def _interrupt(self) -> None:
        """Signal the program in the foreground, as a terminal does."""
        for process in psutil.Process(self._bash.pid).children():
            process.send_signal(signal.SIGINT)

    def _read(self) -> None:
        assert self._bash.stdout is not None
        for line in self._bash.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)
