"""On which way a run goes on: from its end or a checkpoint, with its plan or a new one, as itself or as a new run."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from prefect_swarm.agents.planning import plan_again
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.history import Mark, Start, Turn, begin_with, go_back, take_in
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reuse import Past
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.checkpoints import read_snapshot
from prefect_swarm.journal.history import History, read_run
from prefect_swarm.journal.store import Journal
from prefect_swarm.journal.takeover import missing_products


@dataclass(frozen=True, slots=True)
class Way:
    """What a person wants: go back to a checkpoint (its number or file), take changes in, make a new run."""

    back: str = ""
    reuse: bool = False
    fork: bool = False

    @property
    def straight(self) -> bool:
        """True where the run simply goes on."""
        return not (self.back or self.reuse or self.fork)


@dataclass(frozen=True)
class Crossing:
    """A run before it goes on."""

    journal: Journal
    run_id: RunId
    way: Way
    settings: Settings

    @cached_property
    def plan(self) -> Plan:
        """The plan as its requirements file would make it now. Raises RequirementError, UsageError."""
        return plan_again(read_run(self.journal, self.run_id).plan, self.settings)

    def decide(self, history: History) -> Turn:
        """Turn the run's own history. Raises UsageError for a checkpoint that cannot be gone back to."""
        now, mark = history.now, self._mark(history)
        if mark is not None and mark.rewound:
            raise UsageError(
                f"run {self.run_id} was taken back to before checkpoint {mark.number} later on: "
                f"`swarm resume {self.run_id} --fork --from {mark.number}` makes a new run of it"
            )
        then = None if mark is None else history.at(mark)
        number = 0 if mark is None else mark.number
        if self.way.reuse:
            pasts = (now, then) if then else (now,)
            return take_in(now, self.plan, self._missing(pasts), then=then, number=number)
        return Turn(now.plan) if then is None else go_back(now, then, number)

    def fork(self, history: History, run_id: RunId) -> Turn:
        """Begin another run with what this one finished. Raises UsageError for a checkpoint that there is not."""
        now, mark = history.now, self._mark(history)
        pasts = self.pasts(history)
        plan = self.plan if self.way.reuse else pasts[-1].plan
        origin = f"run {self.run_id}" + (f", checkpoint {mark.number}" if mark else "")
        output = now.state.output or str(Path().absolute())
        start = Start(run_id, output, self.settings.max_parallel, f"begun from {origin}")
        return begin_with(start, plan, pasts, self._missing(pasts))

    def pasts(self, history: History) -> tuple[Past, ...]:
        """Where finished work is taken from, the newest first; what was is compared with the first of them."""
        mark = self._mark(history)
        if mark is None or not self.way.fork:
            return (history.now,)
        return (history.now, history.at(mark)) if self.way.reuse else (history.at(mark),)

    def _missing(self, pasts: tuple[Past, ...]) -> frozenset[str]:
        return missing_products(pasts, Path(pasts[0].state.output))

    def _mark(self, history: History) -> Mark | None:
        back = self.way.back
        if not back:
            return None
        return history.mark(int(back) if back.isascii() and back.isdigit() else self._number_in(Path(back)))

    def _number_in(self, file: Path) -> int:
        snapshot = read_snapshot(file)
        if snapshot.run_id != self.run_id:
            raise UsageError(f"{file} is a checkpoint of run {snapshot.run_id}, not of {self.run_id}")
        return snapshot.number
