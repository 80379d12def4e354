"""Which words name a thing: the ids of runs, requirements, agents, items and attempts."""

import re
import unicodedata
from typing import NewType

from prefect_swarm.core.errors import UsageError

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

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


def plain_run_id(text: str) -> RunId:
    """Give a text as the id of a run, after which folders and files are named.

    Raises UsageError for anything but 1 to 80 letters, digits, dots, dashes and underscores that begin with a letter
    or a digit: ids come from users, and `../x` must lead nowhere.
    """
    if not _PLAIN.fullmatch(text):
        raise UsageError(
            f"{text[:100]!r} cannot be the id of a run: take at most 80 letters, digits, '.', '-' and '_', "
            "a letter or digit first"
        )
    return RunId(text)
