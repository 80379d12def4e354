"""Disks that refuse, executors that are stopped, and several that want the same run."""

from itertools import product

import psutil
import pytest
from tests.chaos.ground import Ground
from tests.chaos.trial import Prepare, Trial
from tests.trials import trials

from prefect_swarm.core.events import ItemFailed
from prefect_swarm.journal.failpoint import NAMES, Name
from prefect_swarm.testing.failpoints import Action
from prefect_swarm.testing.waiting import wait_for

HELD = 75
"""Exit code of an executor that another one keeps from the run."""
STOPPED = trials(1, chaos=10)
"""Seconds that an executor is stopped."""
TROUBLES: tuple[Action, ...] = ("ENOSPC", "EIO", "stop")
CHOSEN = {
    *(("before_claim", "ENOSPC"), ("after_spawn", "EIO"), ("before_commit", "ENOSPC"), ("after_commit", "EIO")),
    *(("after_fsync", "ENOSPC"), ("before_return", "EIO"), ("after_claim", "stop"), ("before_commit", "stop")),
}
"""What `make test` tries of all places and troubles."""

pytestmark = pytest.mark.chaos


def _cases() -> list[tuple[Name, Action]]:
    everything = product(NAMES, TROUBLES)
    return [case for case in everything if trials(0, chaos=1) or case in CHOSEN]


@pytest.mark.parametrize(("name", "trouble"), _cases())
def test_hindered_at_a_failpoint(ground: Ground, prepare: Prepare, name: Name, trouble: Action) -> None:
    """Whatever fails or stops an executor at a failpoint, no item fails for it and nothing committed is done again."""
    trial = prepare(layers=3)
    nth = 1 if name in {"after_fsync", "after_rename"} else 2
    executor = trial.start(f"{name}:{nth}:{trouble}")
    if trouble == "stop":
        _let_go_on(trial, executor)

    trial.wait_until_broken(executor)
    trial.finish()

    assert trial.sprung() == [f"{name}:{nth}:{trouble}"]
    assert not [one.event for one in trial.records() if isinstance(one.event, ItemFailed)]
    ground.judge(trial)


def _let_go_on(trial: Trial, executor: int) -> None:
    """Wait until an executor has stopped, for as long as it is to be stopped, and let it go on."""
    process = psutil.Process(executor)
    wait_for(process.status, lambda status: status == psutil.STATUS_STOPPED, what="the executor stopped")
    assert trial.wait(executor, STOPPED) is None
    process.resume()


@pytest.mark.parametrize("round_", range(trials(5, chaos=100)))
def test_several_want_the_same_run(ground: Ground, prepare: Prepare, round_: int) -> None:
    """Of two to four executors that take a run at once, one executes it; the others leave and say who has it."""
    trial = prepare(layers=3)
    if round_ % 5:
        first = trial.start()
        trial.wait(first, ground.chance.uniform(0.1, 0.6))
        trial.kill(first)

    executors = [trial.start() for _ in range(ground.chance.randint(2, 4))]
    codes = sorted(trial.wait(executor) or 0 for executor in executors)

    assert codes == [0, *[HELD] * (len(executors) - 1)], trial.log()
    assert "is being executed by process" in trial.log()
    ground.judge(trial)


def _stop_beside_the_journal(trial: Trial, executor: int) -> None:
    """Stop an executor, but not within a transaction: SQLite's lock would stop everybody else with it."""
    process = psutil.Process(executor)
    while True:
        process.suspend()
        wait_for(process.status, lambda status: status == psutil.STATUS_STOPPED, what="the executor stopped")
        if trial.writable():
            return
        process.resume()


@pytest.mark.parametrize("round_", range(trials(1, chaos=20)))
def test_a_stopped_holder_is_replaced(ground: Ground, prepare: Prepare, round_: int) -> None:
    """A holder that is stopped longer than its lease is replaced; when it goes on it writes nothing more and leaves."""
    trial = prepare(layers=4 + round_ % 3, lease=1.0)
    holder = trial.start()
    trial.wait(holder, ground.chance.uniform(0.1, 0.8))
    _stop_beside_the_journal(trial, holder)
    before = len(trial.records())

    successor = trial.start(waits=True)
    wait_for(lambda: len(trial.records()) > before, what="the successor at work")
    trial.wait(successor, ground.chance.uniform(0, 0.5))
    trial.stops += 1
    psutil.Process(holder).resume()

    assert trial.wait(holder, 10) == HELD, trial.log()
    assert trial.wait(successor) == 0, trial.log()
    ground.judge(trial)
