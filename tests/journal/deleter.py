"""A process that deletes a run as `swarm delete` does, and may be told to die in the middle of it."""

import os
import signal
import sys
from pathlib import Path

from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.removal import Kept, Part, parts_of, remove_run, rows_of
from prefect_swarm.journal.store import Journal

RUN = RunId("run-1")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(home: str, dies_after: str) -> None:
    """Delete the run; where `dies_after` is no dash, die once so many parts are removed."""
    journal, settings = Journal.at(Path(home)), Settings(home=home)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        parts = list(parts_of(RUN, rows_of(journal, RUN)[1].output, settings))
        if dies_after != "-":
            parts.insert(int(dies_after), Part(Kept("the end", 1, 0), _die))
        remove_run(journal, RUN, parts, period=15.0)
        sys.stdout.write("deleted\n")
    except SwarmError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
