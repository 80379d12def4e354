"""Which words name a thing: the ids of runs, requirements, agents, items and attempts."""

import unicodedata
from typing import NewType

RunId = NewType("RunId", str)
"""One workflow, which may span several Prefect flow runs."""

RequirementId = NewType("RequirementId", str)
"""As written in the file, or assigned: `REQ-001`, `TECH-001`."""

AgentName = NewType("AgentName", str)
"""The `name` of an agent's card."""

ItemId = NewType("ItemId", str)
"""One agent's work on one requirement: `REQ-001/database-expert`."""


def identity(text: str) -> str:
    """Fold an id so that two spellings a person would read as the same are the same.

    Unicode NFKC, case-folded, outer white space dropped.
    """
    return unicodedata.normalize("NFKC", text).casefold().strip()


def item_id(requirement: RequirementId, agent: AgentName) -> ItemId:
    """Name the work of one agent on one requirement."""
    return ItemId(f"{requirement}/{agent}")
