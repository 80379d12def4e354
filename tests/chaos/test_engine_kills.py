"""Executors are killed at random and at every failpoint, and the run still ends as if nobody had touched it."""

import pytest
from tests.chaos.ground import Ground
from tests.chaos.trial import KILLED, Prepare, Trial
from tests.trials import trials

from prefect_swarm.journal.failpoint import NAMES

LIFE = (0.02, 0.9)
"""Seconds between which an executor that is to be killed lives."""
EARLY = ("before_commit", "after_commit", "before_outbox_ack", "after_fsync", "after_rename", "before_claim")
"""Failpoints that are passed while an executor takes a run over."""

pytestmark = pytest.mark.chaos


def test_killed_at_random_moments(ground: Ground, prepare: Prepare) -> None:
    """Executors are killed at random moments, half of them with all their agents: nothing is lost or done twice."""
    wanted = trials(18, chaos=300)
    while ground.kills < wanted:
        trial = prepare()
        killed = True
        while killed and ground.kills < wanted:
            killed = trial.kill(_alive_for_a_while(ground, trial), agents=ground.chance.random() < 0.5)
        trial.finish()
        ground.judge(trial)


def _alive_for_a_while(ground: Ground, trial: Trial) -> int:
    executor = trial.start()
    trial.wait(executor, ground.chance.uniform(*LIFE))
    return executor


@pytest.mark.parametrize("round_", range(trials(1, chaos=8)))
def test_killed_at_every_failpoint(ground: Ground, prepare: Prepare, round_: int) -> None:
    """One run is killed at each of the twelve failpoints, each of them at a pass that the dice choose."""
    trial = prepare()
    names = ground.chance.sample(NAMES, len(NAMES))
    for name in names:
        nth = 1 if name in {"after_fsync", "after_rename"} else ground.chance.randint(1, 1 + round_ % 4)
        assert trial.wait_until_broken(trial.start(f"{name}:{nth}:kill9")) == KILLED, f"{name}:{nth}\n{trial.log()}"

    trial.finish()

    assert {trap.partition(":")[0] for trap in trial.sprung()} == set(NAMES)
    ground.judge(trial)


@pytest.mark.parametrize("round_", range(trials(1, chaos=20)))
def test_killed_again_while_recovering(ground: Ground, prepare: Prepare, round_: int) -> None:
    """Up to five executors in a row are killed while they take the run over; the next one still can."""
    trial = prepare(layers=4)
    trial.kill(_alive_for_a_while(ground, trial))
    for _ in range(1 + (round_ + 4) % 5):
        trap = f"{ground.chance.choice(EARLY)}:1:kill9"
        assert trial.wait_until_broken(trial.start(trap)) == KILLED, f"{trap}\n{trial.log()}"

    trial.finish()

    ground.judge(trial)
