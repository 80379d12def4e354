"""Which words other tools use for columns and fields, and for what is no requirement, or none any more."""

import re
from enum import Enum

from prefect_swarm.core.formats.vocabulary import meant_done

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


def standing_of(status: str) -> Standing:
    """What a tool's status means; a word that nobody knows means that there is work to do."""
    if plain(status) in LEFT_OUT:
        return Standing.LEFT_OUT
    return Standing.DONE if meant_done(status) else Standing.OPEN


def criteria_lines(text: str) -> list[str]:
    """The criteria in a text: each line where it has several, else the whole, without bullets."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(BULLET.match(line) for line in lines):  # noqa: PLR2004 - prose may have line ends
        return [text.strip()] if lines else []
    return [BULLET.sub("", line, count=1).strip() or line for line in lines]
