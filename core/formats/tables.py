"""How a table of requirements in a Markdown document is read: which column says what, and what a row asks for."""

import re
from dataclasses import dataclass

from pydantic import JsonValue

from prefect_swarm.core.document import Scalar
from prefect_swarm.core.formats.markdown import Row, Table
from prefect_swarm.core.formats.phrases import flat
from prefect_swarm.core.formats.vocabulary import meant_done, meant_priority
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Priority, TextCriterion

ROLES = {
    "id": re.compile(r"(?:.*\b)?(?:id|#|no\.?|nr\.?|number|ref|key)", re.IGNORECASE),
    "priority": re.compile(r".*\b(?:priority|prio|moscow|importance|severity)\b.*", re.IGNORECASE),
    "status": re.compile(r".*\b(?:status|state|done|progress)\b.*", re.IGNORECASE),
    "acceptance": re.compile(r".*\b(?:acceptance|criteria|verification|test).*", re.IGNORECASE),
    "depends": re.compile(r".*\b(?:depends|dependenc|blocked by|prerequisite).*", re.IGNORECASE),
    "category": re.compile(r"(?:category|area|module|component|group|epic|type|subsystem)", re.IGNORECASE),
    "description": re.compile(r".*\b(?:description|details?|statement|specification|user story)\b.*", re.IGNORECASE),
    "title": re.compile(
        r".*\b(?:title|name|feature|requirement|task|item|story|summary|capability)\b.*", re.IGNORECASE
    ),
}
ID_CELL = re.compile(r"[*`\[]*(?P<id>[A-Za-z][\w.-]{0,30}\d[\w.]{0,10}|\d{1,4}(?:\.\d{1,4}){0,4})[*`\].]*")
NAMES = re.compile(r"[A-Za-z][\w.-]{0,30}\d[\w.]{0,10}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a table plays which part; those that play none are kept as notes."""

    header: tuple[str, ...]
    parts: dict[str, int]

    @classmethod
    def of(cls, table: Table) -> "Columns":
        """Look at the words of the header; each part is given once, the first fitting column taking it."""
        parts: dict[str, int] = {}
        for at, name in enumerate(table.header):
            said = name.replace("*", "").strip()
            role = next((role for role, words in ROLES.items() if role not in parts and words.fullmatch(said)), None)
            if role is not None:
                parts[role] = at
        return cls(table.header, parts)

    @property
    def lists_requirements(self) -> bool:
        """Whether rows have a title or description."""
        return bool({"title", "description"} & set(self.parts))

    def cell(self, row: Row, part: str) -> str:
        """The text that a row has for a part; empty where it has none."""
        at = self.parts.get(part)
        return row.cells[at].strip() if at is not None and at < len(row.cells) else ""


def row_draft(row: Row, columns: Columns) -> tuple[Draft, dict[str, JsonValue]]:
    """What a row asks for, and what it says beside that."""
    said: dict[str, JsonValue] = {
        name: row.cells[at]
        for at, name in enumerate(columns.header)
        if at not in columns.parts.values() and at < len(row.cells) and row.cells[at].strip()
    }
    title, description = columns.cell(row, "title"), columns.cell(row, "description")
    rest = next((cell for at, cell in enumerate(row.cells) if at != columns.parts.get("id") and cell.strip()), "")
    status, priority = columns.cell(row, "status"), columns.cell(row, "priority")
    if status and meant_done(status) is None:
        said["status"] = status
    if priority and meant_priority(priority) is None:
        said["priority"] = priority
    named = ID_CELL.fullmatch(columns.cell(row, "id"))
    acceptance = columns.cell(row, "acceptance")
    draft = Draft(
        row.mark,
        flat(title or description or rest or " "),
        description or title or rest,
        id=Scalar(named["id"], False, row.mark) if named else None,
        priority=meant_priority(priority) or Priority.MEDIUM,
        depends_on=tuple(Scalar(one, False, row.mark) for one in NAMES.findall(columns.cell(row, "depends"))),
        acceptance=(TextCriterion(text=acceptance),) if acceptance else (),
        category=columns.cell(row, "category"),
        done=bool(meant_done(status)),
    )
    return draft, said
