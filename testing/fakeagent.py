"""A scripted agent for tests: a program that does what its arguments say, and keeps a ledger nobody else reads.

    python -m prefect_swarm.testing.fakeagent --seconds 0.2 --fail 1 --write made.txt --ledger ledger.jsonl

The ledger is the oracle of a test: each start and end is appended and synced to disk, so that a killed run
cannot hide what it had begun.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class Line(BaseModel):
    """One line of a ledger; `at` is in seconds of the machine's monotonic clock."""

    model_config = ConfigDict(frozen=True)

    what: str
    item: str
    attempt: int
    pid: int
    at: float


def read_ledger(path: Path) -> tuple[Line, ...]:
    """Read what the agents of a run did, in the order in which they said so."""
    if not path.exists():
        return ()
    return tuple(Line.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines())


def most_at_once(ledger: tuple[Line, ...]) -> int:
    """Give the largest number of agents that worked at the same time."""
    working = most = 0
    for line in sorted(ledger, key=lambda one: (one.at, one.what)):
        working += 1 if line.what == "start" else -1
        most = max(most, working)
    return most


def note(path: Path | None, what: str) -> None:
    """Append a line about this process to the ledger and sync it."""
    if path is None:
        return
    line = Line(
        what=what,
        item=os.environ["SWARM_ITEM"],
        attempt=int(os.environ["SWARM_ATTEMPT"]),
        pid=os.getpid(),
        at=time.clock_gettime(time.CLOCK_MONOTONIC),
    )
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, line.model_dump_json().encode() + b"\n")
    os.fsync(handle)
    os.close(handle)


def main(argv: list[str] | None = None) -> int:
    """Play the script; the exit code is 1 for an attempt that is to fail."""
    script = _parser().parse_args(argv)
    note(script.ledger, "start")
    if script.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(script.children):
        _spawn(script.seconds)
    if script.say:
        sys.stdout.write(script.say + "\n")
        sys.stdout.flush()
    time.sleep(script.seconds)
    if script.ledger is not None:
        _meet(script.ledger, script.meet)
    failing = int(os.environ["SWARM_ATTEMPT"]) <= script.fail
    written: list[str] = script.write
    for name in written if not failing else ():
        Path(name).write_text(f"{os.environ['SWARM_ITEM']}\n", encoding="utf-8")
    if script.copy_prompt:
        Path(script.copy_prompt).write_bytes(Path(os.environ["SWARM_PROMPT_FILE"]).read_bytes())
    if script.summary:
        Path(os.environ["SWARM_RESULT_FILE"]).write_text(json.dumps({"summary": script.summary}), encoding="utf-8")
    note(script.ledger, "end")
    return 1 if failing else 0


def _meet(ledger: Path, others: int) -> None:
    """Wait until so many agents have started, for half a minute at most."""
    deadline = time.monotonic() + 30
    while sum(line.what == "start" for line in read_ledger(ledger)) < others and time.monotonic() < deadline:
        time.sleep(0.02)


def _spawn(seconds: float) -> None:
    """Leave a process behind that has left our process group."""
    program = f"import time; time.sleep({seconds + 3600})"
    subprocess.Popen([sys.executable, "-c", program], start_new_session=True)  # noqa: S603 - our own program


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fakeagent", description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.0, help="how long to work")
    parser.add_argument("--meet", type=int, default=0, help="work on until so many agents have started")
    parser.add_argument("--fail", type=int, default=0, help="so many attempts fail first")
    parser.add_argument("--write", action="append", default=[], help="a file to make, unless the attempt fails")
    parser.add_argument("--copy-prompt", help="a file to which the prompt is copied")
    parser.add_argument("--say", help="a line to print")
    parser.add_argument("--summary", help="what to report")
    parser.add_argument(
        "--children", type=int, default=0, help="processes to leave behind, each in a session of its own"
    )
    parser.add_argument("--stubborn", action="store_true", help="do not end when asked to")
    parser.add_argument("--ledger", type=Path, help="where to note start and end")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
