"""Other processes at work on the same journal."""

import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.house.sources import REPOSITORY


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start an executor of its own process on the journal of a state folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.journal.executor", str(folder), *words],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> IO[str]:
    """Give what a process says."""
    assert process.stdout is not None
    return process.stdout


def ask(process: subprocess.Popen[str], line: str) -> str:
    """Tell a process a line and give its answer."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return output(process).readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process at once and take leave of it."""
    process.kill()
    process.communicate()
