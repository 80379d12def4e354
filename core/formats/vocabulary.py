"""Which words mean a priority or a state, in every format."""

import re

from prefect_swarm.core.requirement import Priority

PRIORITIES = {
    "critical": Priority.CRITICAL, "p0": Priority.CRITICAL, "must": Priority.CRITICAL,
    "high": Priority.HIGH, "p1": Priority.HIGH, "1": Priority.HIGH, "should": Priority.HIGH,
    "medium": Priority.MEDIUM, "p2": Priority.MEDIUM, "2": Priority.MEDIUM, "could": Priority.MEDIUM,
    "low": Priority.LOW, "p3": Priority.LOW, "3": Priority.LOW, "won't": Priority.LOW, "wont": Priority.LOW,
}  # fmt: skip
OTHER_PRIORITIES = {
    "blocker": Priority.CRITICAL, "urgent": Priority.CRITICAL, "highest": Priority.CRITICAL,
    "mandatory": Priority.CRITICAL, "required": Priority.CRITICAL, "essential": Priority.CRITICAL,
    "major": Priority.HIGH, "important": Priority.HIGH, "normal": Priority.MEDIUM, "moderate": Priority.MEDIUM,
    "mid": Priority.MEDIUM, "med": Priority.MEDIUM, "minor": Priority.LOW, "lowest": Priority.LOW,
    "nice to": Priority.LOW, "nice-to": Priority.LOW, "optional": Priority.LOW, "p4": Priority.LOW, "p5": Priority.LOW,
    "very high": Priority.CRITICAL, "very low": Priority.LOW, "trivial": Priority.LOW,
}  # fmt: skip
STATUSES = {
    "done": True, "completed": True, "complete": True, "closed": True, "finished": True, "met": True,
    "todo": False, "open": False, "pending": False, "planned": False, "new": False, "draft": False,
    "in_progress": False, "in progress": False, "in-progress": False, "approved": False, "blocked": False,
}  # fmt: skip
OTHER_STATUSES = {
    "implemented": True, "verified": True, "resolved": True, "released": True, "shipped": True, "fixed": True,
    "delivered": True, "fulfilled": True, "satisfied": True, "passed": True,
}  # fmt: skip
DECORATION = re.compile(r"[^\w'’ -]+")


def priority_of(said: str) -> Priority | None:
    """The priority that our own format understands by a word, or None."""
    return PRIORITIES.get(_bare(said))


def meant_priority(said: str) -> Priority | None:
    """The priority that a person meant by a word of another tool's document (`P1 - Blocker`, `🔴 High`), or None."""
    words = _bare(DECORATION.sub(" ", said))
    first = words.split(" - ")[0].split(" ", 1)[0]
    known = PRIORITIES | OTHER_PRIORITIES
    return known.get(words) or known.get(first)


def meant_done(said: str) -> bool | None:
    """Whether a word of another tool's document means that something is done; None where it is not known."""
    word = " ".join(DECORATION.sub(" ", said).lower().split())
    return (STATUSES | OTHER_STATUSES).get(word)


def _bare(said: str) -> str:
    word = " ".join(said.lower().replace("’", "'").split())
    return word.removesuffix(" have").removesuffix("-have")
