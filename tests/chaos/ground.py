"""Where trials are held: it counts them, knows what they must lead to, and says how to repeat one that failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

from tests.chaos.trial import Outcome

from prefect_swarm.testing.checker import History, violations

SHOWN = 5
"""Seeds that the sum of a tier names; a failure names its own."""


@dataclass(slots=True)
class Tally:
    """What the tests of a tier did, for the line that sums it up."""

    trials: int = 0
    kills: int = 0
    violations: int = 0
    seconds: float = 0.0
    seeds: set[int] = field(default_factory=set)

    def __str__(self) -> str:
        """Say it in one line."""
        shown = sorted(self.seeds)[:SHOWN]
        seeds = ", ".join(map(str, shown)) + (f" and {len(self.seeds) - SHOWN} more" if len(self.seeds) > SHOWN else "")
        return (
            f"{self.trials} runs, {self.kills} kills, {self.violations} violations, {self.seconds:.0f} s; seeds {seeds}"
        )


class Judged(Protocol):
    """A run of a layered plan, as it is judged."""

    folder: Path
    layers: int
    kills: int

    def history(self) -> History:
        """Gather what there is to know of the run."""
        ...

    def outcome(self) -> Outcome:
        """Tell what the run has led to."""
        ...

    def log(self) -> str:
        """The last of what was said."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


T = TypeVar("T", bound=Judged)


class Ground:
    """Counts trials, and judges them."""

    def __init__(self, *, seed: int, tally: Tally, undisturbed: Callable[[int], Outcome]) -> None:
        """Begin with no trial; `undisturbed` tells what a run of so many layers leads to."""
        self._tally, self._undisturbed, self._begun = tally, undisturbed, time.monotonic()
        self.seed, self.chance = seed, Random(seed)  # noqa: S311 - when to kill is no secret
        self.trials: list[Judged] = []

    @property
    def kills(self) -> int:
        """How many executors were killed so far."""
        return sum(trial.kills for trial in self.trials)

    def add(self, trial: T) -> T:
        """Count a run, and see to it that nothing of it is left in the end."""
        self.trials.append(trial)
        return trial

    def judge(self, trial: Judged) -> None:
        """Hold a run that is over against everything that is promised, and against an undisturbed one."""
        found = list(violations(trial.history()))
        if trial.outcome() != self._undisturbed(trial.layers):
            found.append("items or files are not those of an undisturbed run")
        self._tally.violations += len(found)
        where = f"SWARM_TEST_SEED={self.seed}, {trial.kills} kills, in {trial.folder}"
        assert not found, "\n".join([where, *found, trial.log()])

    def close(self) -> None:
        """Count what was done, and leave nothing behind."""
        for trial in self.trials:
            trial.close()
        self._tally.trials += len(self.trials)
        self._tally.kills += self.kills
        self._tally.seconds += time.monotonic() - self._begun
        self._tally.seeds.add(self.seed)
