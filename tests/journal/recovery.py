"""An executor that works a small plan off against the journal, as often as it is started, and notes what it did.

The notes are the oracle: lines that are on the disk before anything follows, in a file that the journal never reads.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import RunHeld
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.core.state import ItemStatus, RunState
from prefect_swarm.journal.failpoint import fill
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.plans import Part, plan_of

RUN = RunId("run-1")
PLAN = plan_of(
    *(Part(name) for name in "ABC"),
    *(Part(name, needs=("A", "B")) for name in "DE"),
    Part("F", needs=("C", "D", "E")),
)
_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.journal.recovery"])


class Note(NamedTuple):
    """A line of the ledger."""

    what: str
    name: str
    number: int


def warm(work: Callable[..., None], *given: Any) -> ForkServerProcess:
    """Start work in a process that has everything imported already."""
    process = _FORKING.Process(target=work, args=given)
    process.start()
    return process


@contextmanager
def ended(process: ForkServerProcess) -> Generator[ForkServerProcess]:
    """Have a process, and kill it at the end if it has not ended by itself."""
    try:
        yield process
    finally:
        process.kill()
        process.join()


def notes_in(ledger: Path) -> list[Note]:
    """Read the ledger; a line that broke off in the middle was not yet written."""
    text = ledger.read_text() if ledger.exists() else ""
    words = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [Note(what, name, int(number)) for what, name, number in words]


def execute(folder: Path, ledger: Path) -> None:
    """Go on with the run from where the journal has it, to its end."""
    with closing(Journal.at(folder)) as journal:
        Executor(journal, ledger).finish()


def open_and_close(folder: Path) -> None:
    """Open the journal of a state folder, and nothing else."""
    Journal.at(folder).close()


def recover(folder: Path, ledger: Path) -> None:
    """Take the run over, and be killed before any work is begun; no clock makes two recoveries differ."""
    journal = Journal.at(folder, clock=lambda: 0.0)
    Executor(journal, ledger)
    os.kill(os.getpid(), signal.SIGKILL)


def recover_and_fail(folder: Path, ledger: Path, place: str) -> None:
    """Be killed at a place of the journal's while the run is taken over."""

    def fail(name: str) -> None:
        if name == place:
            os.kill(os.getpid(), signal.SIGKILL)

    fill(fail)
    recover(folder, ledger)


class Executor:
    """One process's hold on the run."""

    def __init__(self, journal: Journal, ledger: Path) -> None:
        """Take the lease and begin the run, or take it over."""
        self._journal, self._ledger = journal, os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._epoch = journal.take_lease(RUN, period=3600.0)
        if self._state.started is None:
            self._append(on.RunStarted(plan=PLAN.digest, max_parallel=1))
        elif not self._state.status.ended:
            self._append(on.RunResumed(reason="its executor had died"))

    @property
    def _state(self) -> RunState:
        return self._journal.state(RUN, PLAN)

    def finish(self) -> None:
        """Do every item that is not done, and end the run."""
        for item in PLAN.items:
            if self._state.items[item.id].status is not ItemStatus.VERIFIED:
                self._do(item)
        if not self._state.status.ended:
            self._append(on.RunEnded(outcome="completed"))
        self._journal.release_lease(RUN, self._epoch)

    def _do(self, item: WorkItem) -> None:
        number = self._state.items[item.id].attempt + 1
        self._append(on.ItemReady(item=item.id))
        self._append(on.AttemptStarted(item=item.id, attempt=number))
        self._note("start", item.id, number)
        self._append(on.AttemptReported(item=item.id, attempt=number, seconds=0.0))
        self._append(on.ItemVerified(item=item.id, attempt=number, seconds=0.0))
        self._note("commit", item.id, number)

    def _append(self, event: on.Event) -> None:
        record = self._journal.append(RUN, [event], epoch=self._epoch)[0]
        self._note("written", event.type, record.seq)

    def _note(self, what: str, name: str, number: int) -> None:
        os.write(self._ledger, f"{what} {name} {number}\n".encode())
        os.fsync(self._ledger)


def contend(folder: Path, rounds: int, together: Any, answers: Any) -> None:
    """Ask for the lease in the same moment as others, again and again, and say what came of it."""
    with closing(Journal.at(folder)) as journal:
        for _ in range(rounds):
            together.wait()
            epoch = _asked(journal)
            answers.put(epoch)
            together.wait()  # whoever has it lives until all have asked
            if epoch:
                journal.release_lease(RUN, epoch)


def _asked(journal: Journal) -> int:
    try:
        return journal.take_lease(RUN, period=60.0)
    except RunHeld:
        return 0


def contenders(folder: Path, count: int, rounds: int) -> list[list[int]]:
    """Have so many processes ask for the lease at once, so many times; gives the epochs that they got, 0 for none."""
    together, answers = _FORKING.Barrier(count), _FORKING.Queue()
    processes = [warm(contend, folder, rounds, together, answers) for _ in range(count)]
    got = [[answers.get(timeout=30) for _ in range(count)] for _ in range(rounds)]
    for process in processes:
        process.join()
    return got
