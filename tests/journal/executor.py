"""A process that uses a journal as an executor does: told what to do by its arguments, it answers on its output."""

import os
import sys
from pathlib import Path

from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.events import ErrorOccurred
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal.store import Journal

RUN = RunId("run-1")


def say(text: str) -> None:
    """Write a line that the test sees at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write(journal: Journal, name: str, count: int) -> None:
    """Append so many numbered events, and say of each that it is written once it is."""
    for number in range(count):
        record = journal.append(RUN, [ErrorOccurred(where=name, message=str(number))])[0]
        say(f"{record.seq} {number}")


def hold(journal: Journal, period: float) -> None:
    """Take the lease, then append an event for every line of standard input until one is refused."""
    epoch = journal.take_lease(RUN, period=period)
    say(f"holds {epoch}")
    for line in sys.stdin:
        try:
            journal.append(RUN, [ErrorOccurred(where="holder", message=line.strip())], epoch=epoch)
            say("written")
        except SwarmError as error:
            say(f"{type(error).__name__}: {error}")


def main(folder: str, what: str, *words: str) -> None:
    """Do what is asked with the journal of a state folder."""
    journal = Journal.at(Path(folder))
    match what:
        case "write":
            say(f"begins {os.getpid()}")
            write(journal, words[0], int(words[1]))
        case _:
            hold(journal, float(words[0]))
    journal.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
