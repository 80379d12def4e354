"""A process that has everything imported and forks executors: one is there in a hundredth of a second.

It is asked by lines of JSON on its input and answers each with a line on its output.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGKILL
from typing import Any, Self

from tests.chaos.executor import Order, execute
from tests.house.sources import REPOSITORY

LOOK = 0.005
"""Seconds between two looks whether an executor is over."""


class Nursery:
    """The nursery as a test sees it."""

    def __init__(self) -> None:
        """Start it."""
        self._over: dict[int, int] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        """Have it until the block ends."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """End it, and every executor that still lives."""
        self._process.communicate()

    def start(self, order: Order) -> int:
        """Start an executor and give its process id."""
        pid = int(self._ask({"order": order.model_dump(mode="json")}))
        self._over.pop(pid, None)  # the number of one that is long over
        return pid

    def wait(self, pid: int, timeout: float) -> int | None:
        """Wait so many seconds for an executor's end: its exit code, -9 where it was killed, None where it lives."""
        if pid not in self._over:
            code = self._ask({"wait": pid, "timeout": timeout})
            if code is None:
                return None
            self._over[pid] = code
        return self._over[pid]

    def kill(self, pid: int) -> int | None:
        """Kill an executor as a power cut would; gives its exit code where it was over already."""
        if pid not in self._over:  # nobody else has its number before its end was looked at
            os.kill(pid, SIGKILL)
        return self.wait(pid, 10.0)

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _answer(question: dict[str, Any], living: set[int]) -> int | None:
    if "order" in question:
        pid = _fork(Order.model_validate(question["order"]))
        living.add(pid)
        return pid
    return _wait(question["wait"], question["timeout"], living)


def _fork(order: Order) -> int:
    pid = os.fork()
    if pid:
        return pid
    log = os.open(Path(order.folder) / "executor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(log, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = execute(order)
    sys.stderr.flush()
    os._exit(code)


def _wait(pid: int, timeout: float, living: set[int]) -> int | None:
    deadline = time.monotonic() + timeout
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            living.discard(pid)
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return None
        time.sleep(LOOK)


def main() -> None:
    """Answer until the input ends, then end whoever lives."""
    living = set[int]()
    for line in sys.stdin:
        answer = _answer(json.loads(line), living)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in living:
        os.kill(pid, SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
