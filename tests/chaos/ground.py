"""Where trials are held: it counts them, knows what they must lead to, and says how to repeat one that failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.nursery import Nursery
from tests.chaos.trial import Outcome, Trial

from prefect_swarm.testing.checker import violations

LAYERS = 10
"""Of the plan that is run where nothing else is said: forty items."""


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
        seeds = ", ".join(map(str, sorted(self.seeds)))
        return (
            f"{self.trials} runs, {self.kills} kills, {self.violations} violations, {self.seconds:.0f} s; seeds {seeds}"
        )


class Ground:
    """Makes trials, and judges them."""

    def __init__(
        self, folder: Path, nursery: Nursery, *, seed: int, tally: Tally, undisturbed: Callable[[int], Outcome]
    ) -> None:
        """Begin with no trial; `undisturbed` tells what a run of so many layers leads to."""
        self._folder, self._nursery, self._undisturbed = folder, nursery, undisturbed
        self._tally, self._begun = tally, time.monotonic()
        self.seed, self.chance = seed, Random(seed)  # noqa: S311 - when to kill is no secret
        self.trials: list[Trial] = []

    @property
    def kills(self) -> int:
        """How many executors were killed so far."""
        return sum(trial.kills for trial in self.trials)

    def trial(self, *, layers: int = LAYERS, lease: float = 30.0) -> Trial:
        """Lay a run ready."""
        trial = Trial(self._folder / str(len(self.trials)), self._nursery, layers=layers, lease=lease)
        self.trials.append(trial)
        return trial

    def judge(self, trial: Trial) -> None:
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
