"""The command line is killed on a real Prefect server, and the run still ends as if nobody had touched it."""

from collections.abc import Callable

import pytest
from tests.chaos.ground import Ground
from tests.chaos.swarm import SwarmTrial
from tests.chaos.trial import KILLED
from tests.trials import trials

LAYERS = 5

pytestmark = [pytest.mark.chaos, pytest.mark.prefect]


def test_the_command_is_killed(ground: Ground, command_line: Callable[[int], SwarmTrial]) -> None:
    """Killed at random and at failpoints in turn, a run starts nothing verified again and ends as if undisturbed."""
    wanted = trials(5, chaos=200)
    while ground.kills < wanted:
        trial, code = command_line(LAYERS), KILLED
        while code == KILLED and ground.kills < wanted:
            at_failpoint = ground.kills % 2
            code = trial.kill_at_failpoint(ground.chance) if at_failpoint else trial.kill_at_random(ground.chance)
        if code != 0:
            trial.finish()
        ground.judge(trial)
