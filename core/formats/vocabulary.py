"""Which words other tools use for how pressing a requirement is, how far it is, and what is none at all."""

import re
from enum import Enum

from prefect_swarm.core.requirement import Priority

CRITICAL = ("critical", "p0", "must", "musthave", "blocker", "urgent", "highest", "veryhigh", "mandatory", "essential")
HIGH = ("high", "p1", "should", "shouldhave", "major", "important")
MEDIUM = ("medium", "p2", "could", "couldhave", "normal", "moderate", "average", "med")
LOW = ("low", "p3", "p4", "p5", "wont", "wonthave", "minor", "trivial", "lowest", "verylow", "optional", "nicetohave")
NUMBERS = {"0": Priority.CRITICAL, "1": Priority.HIGH, "2": Priority.MEDIUM, "3": Priority.LOW}
PRIORITIES: dict[str, Priority] = {
    **dict.fromkeys(CRITICAL, Priority.CRITICAL),
    **dict.fromkeys(HIGH, Priority.HIGH),
    **dict.fromkeys(MEDIUM, Priority.MEDIUM),
    **dict.fromkeys(LOW, Priority.LOW),
}
DONE = {
    "done", "completed", "complete", "closed", "finished", "met", "implemented", "verified", "resolved", "released",
    "delivered", "fulfilled", "satisfied", "passed", "fixed", "shipped",
}  # fmt: skip
LEFT_OUT = {
    "cancelled", "canceled", "rejected", "obsolete", "deprecated", "deleted", "removed", "withdrawn", "superseded",
    "inactive", "retired", "abandoned", "duplicate", "wontdo", "wontfix", "wontimplement", "discarded", "dropped",
}  # fmt: skip
HEADINGS = {
    "heading", "header", "headings", "title", "section", "chapter", "folder", "information", "info", "informational",
    "informative", "note", "comment", "text", "introduction", "prose", "nonnormative", "nonrequirement", "definition",
    "notarequirement", "paragraph", "figure", "table", "explanation",
}  # fmt: skip
DEPENDENCIES = {
    "dependson", "dependencies", "dependency", "depends", "dependsupon", "dependenton", "dependentreqs", "requires",
    "predecessor", "predecessors", "prerequisite", "prerequisites", "prereq", "prereqs", "blockedby", "waitsfor",
}  # fmt: skip
CRITERIA = {
    "acceptancecriteria", "acceptance", "acceptancecriterion", "fitcriterion", "fitcriteria", "verificationcriteria",
    "passcriteria", "successcriteria", "teststrategy", "criteria",
}  # fmt: skip
WORD = re.compile(r"[^\W_]+")
BULLET = re.compile(r"[-*•–+]\s+|\(?\d{1,3}[.)]\s+|\[[ xX]\]\s*")


class Standing(Enum):
    """What a status means for the work."""

    OPEN = "open"
    DONE = "done"
    LEFT_OUT = "left out"


def plain(word: str) -> str:
    """A word without case, blanks and signs: `Depends-On` is `dependson`."""
    return "".join(WORD.findall(word[:200].casefold()))


def priority_of(said: str) -> Priority | None:
    """The class that a tool's words mean, such as `High`, `P1 - urgent` or `2`; None where they mean none."""
    words = [word.casefold() for word in WORD.findall(said[:200].replace("'", "").replace("’", ""))]
    if "".join(words) in PRIORITIES:
        return PRIORITIES["".join(words)]
    if words and words[0] in NUMBERS and len(words) == 1:
        return NUMBERS[words[0]]
    return next((PRIORITIES[word] for word in words if word in PRIORITIES), None)


def standing_of(status: str) -> Standing:
    """What a tool's status means; a word that nobody knows means that there is work to do."""
    word = plain(status.replace("'", "").replace("’", ""))
    if word in DONE:
        return Standing.DONE
    return Standing.LEFT_OUT if word in LEFT_OUT else Standing.OPEN


def criteria_lines(text: str) -> list[str]:
    """The criteria in a text: each line where it has several, else the whole, without bullets."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(BULLET.match(line) for line in lines):  # noqa: PLR2004 - prose may have line ends
        return [text.strip()] if lines else []
    return [BULLET.sub("", line, count=1).strip() or line for line in lines]
