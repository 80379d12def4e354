"""What was learned about the built-in agents, read from the package."""

import json
from functools import cache
from importlib import resources

from prefect_swarm.core.features import Ideas
from prefect_swarm.core.knowledge import Knowledge
from prefect_swarm.core.roster import Roster
from prefect_swarm.core.selector import Selector, selector_of

PACKAGE = "prefect_swarm.agents"
FILE = "knowledge.json"


@cache
def built_in_knowledge() -> Knowledge:
    """Read what `tools/train_selector.py` wrote."""
    found = json.loads(resources.files(PACKAGE).joinpath(FILE).read_bytes())
    return Knowledge(found["agents"], Ideas.of(found["ideas"]), found["start"], found["weights"])


def learned_selector(roster: Roster) -> Selector:
    """The selector for a roster, with all that is known about the built-in agents in it."""
    return selector_of(roster, built_in_knowledge())
