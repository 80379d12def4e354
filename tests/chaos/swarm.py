"""One run of the real command line on a real Prefect server, whose process is killed again and again."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random

from tests.chaos.trial import KILLED, WIDTH, Outcome, living, outcome_of

from prefect_swarm.core.ids import RunId
from prefect_swarm.journal.failpoint import NAMES
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.checker import History
from prefect_swarm.testing.project import Project, kill
from prefect_swarm.testing.quickagent import layered
from prefect_swarm.testing.waiting import wait_for

COMMAND = Path(__file__).with_name("command.py")
STARTING, WORKING = 4.0, 1.5
"""Seconds within which a command is killed: after it was started, or after it has begun to write."""
PASSES = 8
"""How often a failpoint may be passed before its trap springs."""
RARE = frozenset({"after_fsync", "after_rename"})
"""Failpoints that are passed when a run is taken over, and seldom afterwards."""
PLAIN = (sys.executable, "-m", "prefect_swarm.cli.app")


class SwarmTrial:
    """A run of a layered plan, executed by `swarm run` and `swarm resume`."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, layers: int) -> None:
        """Write the project down; `environment` says where Prefect's server is."""
        self.folder, self.layers, self.kills = folder, layers, 0
        self.project = Project(folder, environment)
        folder.mkdir(parents=True)
        self.project.write(*layered(WIDTH, layers, ledger=folder / "ledger.jsonl"))

    @property
    def run_id(self) -> RunId | None:
        """The run, once it is known to the journal."""
        runs = open_journal(self.project.settings).runs()
        return runs[0].run_id if runs else None

    def start(self, *trap: str) -> subprocess.Popen[bytes]:
        """Begin the run or go on with it, with a trap set where one is given."""
        words = ("run", "--agents", "agents", "--yes", "--max-parallel", str(WIDTH))
        self.project.program = (sys.executable, str(COMMAND), *trap) if trap else PLAIN
        return self.project.start(*(words if self.run_id is None else ("resume", "last")))

    def kill_at_random(self, chance: Random) -> int:
        """Kill a command while it starts or while it works; gives its exit code, KILLED where it lived."""
        before = self._written()
        running = self.start()
        if chance.random() < 0.7:
            wait_for(
                lambda: self._written() > before or running.poll() is not None, what="a command at work", timeout=90
            )
            return self._kill_after(running, chance.uniform(0, WORKING))
        return self._kill_after(running, chance.uniform(0, STARTING))

    def kill_at_failpoint(self, chance: Random) -> int:
        """Have a command die at a failpoint that the dice choose, where it comes by; gives its exit code."""
        name = chance.choice(NAMES)
        nth = 1 if name in RARE else chance.randint(1, PASSES)
        running = self.start(f"{name}:{nth}:kill9")
        code = running.wait(180)
        self.kills += code == KILLED
        return code

    def _kill_after(self, running: subprocess.Popen[bytes], seconds: float) -> int:
        try:
            return running.wait(seconds)
        except subprocess.TimeoutExpired:  # it lives: that is what it is killed for
            kill(running)
            self.kills += 1
            return KILLED

    def _written(self) -> int:
        run_id = self.run_id
        return 0 if run_id is None else open_journal(self.project.settings).last(run_id)[0]

    def finish(self) -> None:
        """Have an undisturbed command go on until the run is completed."""
        code = self.start().wait(180)
        assert code == 0, f"exit code {code}\n{self.log()}"

    def log(self) -> str:
        """The last of what the commands printed."""
        return self.project.output[-3000:]

    def history(self) -> History:
        """Gather what there is to know of the run."""
        journal, run_id = open_journal(self.project.settings), self.project.last_run()
        return History(
            plan=journal.plan(run_id),
            ledger=self.project.ledger(),
            records=journal.records(run_id),
            kills=self.kills,
            living=tuple(process.pid for process in living(run_id)),
        )

    def outcome(self) -> Outcome:
        """Tell what the run has led to."""
        plan = open_journal(self.project.settings).plan(self.project.last_run())
        return outcome_of(plan, self.project.state(), self.folder)

    def close(self) -> None:
        """End commands and agents that were left."""
        self.project.close()
