"""One run in a folder of its own, executed by executors that are killed, and what is found of it afterwards."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol
from uuid import uuid4

import psutil
from tests.chaos.executor import Order
from tests.chaos.nursery import Nursery

from prefect_swarm.agents.supervisor import end_marked
from prefect_swarm.core.errors import RunNotFound
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.state import ItemStatus, RunState
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.checker import History
from prefect_swarm.testing.fakeagent import read_ledger
from prefect_swarm.testing.plans import plan_of
from prefect_swarm.testing.quickagent import layered

WIDTH = 4
LAYERS = 10
"""Of the plan that is run where nothing else is said: forty items."""
LEASE = 30.0
"""Seconds: no lease runs out unless a test wants it."""
KILLED = -9


class Outcome(NamedTuple):
    """What a run has led to."""

    verified: frozenset[str]
    """Requirements of which an item is verified."""
    files: dict[str, str]
    """Digests of what the agents made, by name."""


class Trial:
    """A run of a layered plan and its executors."""

    def __init__(self, folder: Path, nursery: Nursery, *, layers: int, lease: float) -> None:
        """Lay the plan ready in the folder."""
        self.folder, self._nursery, self._lease = folder, nursery, lease
        self.run_id = RunId(f"run-{uuid4().hex[:12]}")  # by which agents are found: no other trial may have it
        self.layers = layers
        self.plan: Plan = plan_of(*layered(WIDTH, layers, ledger=self.folder / "ledger.jsonl"))
        self.kills = self.stops = 0
        (folder / "work").mkdir(parents=True)
        (folder / "plan.json").write_text(self.plan.model_dump_json(), encoding="utf-8")

    def start(self, *traps: str, waits: bool = False) -> int:
        """Start an executor, and give its process id."""
        order = Order(
            folder=str(self.folder), run=self.run_id, slots=WIDTH, lease=self._lease, traps=traps, waits=waits
        )
        return self._nursery.start(order)

    def wait(self, pid: int, timeout: float = 60.0) -> int | None:
        """Wait for the end of an executor; gives its exit code, None where it still lives."""
        return self._nursery.wait(pid, timeout)

    def wait_until_broken(self, pid: int) -> int | None:
        """Wait for the end of an executor in which a trap is set, and count it where that ended it."""
        code = self.wait(pid)
        self.kills += code != 0
        return code

    def kill(self, pid: int, *, agents: bool = False) -> bool:
        """Kill an executor, with its agents where that is said; false where it was over already."""
        killed = self._nursery.kill(pid) == KILLED
        self.kills += killed
        for agent in living(self.run_id) if agents and killed else ():
            agent.kill()
        return killed

    def finish(self) -> None:
        """Have undisturbed executors go on until the run is completed: two, where the first must retry what failed."""
        codes = [self.wait(self.start())]
        if codes[0] != 0:
            codes.append(self.wait(self.start()))
        assert codes[-1] == 0, f"exit codes {codes} in {self.folder}\n{self.log()}"

    def log(self) -> str:
        """The last of what the executors said."""
        return (self.folder / "executor.log").read_text(encoding="utf-8")[-3000:]

    def sprung(self) -> list[str]:
        """The traps that sprang."""
        path = self.folder / "sprung.txt"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    def records(self) -> tuple[Record, ...]:
        """Read the journal, verified; nothing where the run is not known to it yet."""
        journal = Journal.at(self.folder / "home")
        try:
            return journal.records(self.run_id)
        except RunNotFound:
            return ()
        finally:
            journal.close()

    def state(self) -> RunState:
        """Fold the state of the run."""
        journal = Journal.at(self.folder / "home")
        try:
            return journal.state(self.run_id, self.plan)
        finally:
            journal.close()

    def writable(self) -> bool:
        """Tell whether nobody is just writing into the journal."""
        with closing(sqlite3.connect(self.folder / "home" / "journal.db", timeout=0, isolation_level=None)) as journal:
            try:
                journal.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            return True

    def history(self) -> History:
        """Gather what there is to know of the run."""
        return History(
            plan=self.plan,
            ledger=read_ledger(self.folder / "ledger.jsonl"),
            records=self.records(),
            kills=self.kills,
            stops=self.stops,
            acknowledged=tuple(self._acknowledged()),
            living=tuple(process.pid for process in living(self.run_id)),
        )

    def _acknowledged(self) -> Iterator[tuple[int, str]]:
        path = self.folder / "acknowledged.txt"
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else ():
            if line.endswith("\n"):
                number, kind = line.split()
                yield int(number), kind

    def outcome(self) -> Outcome:
        """Tell what the run has led to."""
        return outcome_of(self.plan, self.state(), self.folder / "work")

    def close(self) -> None:
        """End agents that were left."""
        end_marked({"SWARM_RUN": self.run_id})


class Prepare(Protocol):
    """Lays a run ready."""

    def __call__(self, *, layers: int = LAYERS, lease: float = LEASE) -> Trial:
        """Lay a run of so many layers ready, with a lease of so many seconds."""
        ...


def outcome_of(plan: Plan, state: RunState, workspace: Path) -> Outcome:
    """Tell what a run has led to in a workspace; all that its agents made are text files."""
    verified = (item.requirement for item in plan.items if state.items[item.id].status is ItemStatus.VERIFIED)
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in workspace.glob("L*P*.txt")}
    return Outcome(frozenset(verified), digests)


def living(run_id: str) -> Iterator[psutil.Process]:
    """Find the agents of a run among the processes."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("SWARM_RUN") == run_id and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.Error, OSError):
            continue
