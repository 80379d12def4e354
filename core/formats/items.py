"""How what another tool says of one requirement becomes a draft, or a note with the reason why it is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from prefect_swarm.core.document import Mark, Scalar, shorten
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.terms import Standing, criteria_lines, standing_of
from prefect_swarm.core.formats.vocabulary import meant_priority
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Priority, TextCriterion

INFORMATIVE = "informative"
"""The note for headings, introductions and whatever else its tool calls no requirement."""
LEFT_OUT = "left_out"
"""The note for requirements that nobody wants any more."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a tool, in the tool's words; all but the mark may be empty."""

    mark: Mark
    id: Scalar | None = None
    title: str = ""
    text: str = ""
    status: str = ""
    priority: Scalar | None = None
    category: str = ""
    depends_on: tuple[Scalar, ...] = ()
    acceptance: tuple[str, ...] = ()
    effort: float | None = None
    done: bool = False
    gone: str = ""
    """Why nobody wants it, where its tool says so."""
    said: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What else is said of it."""


def take(item: Item, gathering: Gathering) -> None:
    """Gather an entry: as a requirement, or as a note where nobody wants it or it says nothing."""
    standing = standing_of(item.status)
    if item.gone or standing is Standing.LEFT_OUT:
        _leave_out(item, item.gone or f"its status is {shorten(item.status)}", gathering)
    elif not item.title.strip() and not item.text.strip():
        _leave_out(item, "it has no text", gathering)
    else:
        gathering.add(_draft(item, gathering, done=item.done or standing is Standing.DONE), _said(item))


def inform(item: Item, gathering: Gathering) -> None:
    """Keep an entry that is no requirement: a heading, an introduction, a remark."""
    gathering.note(INFORMATIVE, _record(item))


def _leave_out(item: Item, reason: str, gathering: Gathering) -> None:
    name = shorten(item.id.text if item.id else item.title) or "an entry"
    gathering.report.warn(item.mark, f"{name} is no requirement of this plan: {reason}; kept as a note")
    gathering.note(LEFT_OUT, {**_record(item), "reason": reason})


def _record(item: Item) -> dict[str, JsonValue]:
    record: dict[str, JsonValue] = {
        "id": item.id.text.strip() if item.id else "",
        "title": item.title.strip(),
        "text": item.text.strip(),
        "category": item.category,
        "line": item.mark.line,
    }
    return {key: value for key, value in record.items() if value != ""} | _said(item)


def _said(item: Item) -> dict[str, JsonValue]:
    said = dict(item.said)
    if item.status.strip():
        said["status"] = item.status.strip()
    if item.priority and item.priority.text.strip():
        said["priority"] = item.priority.text.strip()
    return said


def _draft(item: Item, gathering: Gathering, *, done: bool) -> Draft:
    title = first_line(item.title) or first_line(item.text)
    return Draft(
        item.mark,
        title,
        item.text.strip() or item.title.strip(),
        id=item.id if item.id and item.id.text.strip() else None,
        priority=_priority(item, gathering),
        depends_on=item.depends_on,
        acceptance=tuple(TextCriterion(text=line) for text in item.acceptance for line in criteria_lines(text)),
        effort=item.effort,
        category=item.category,
        done=done,
    )


def _priority(item: Item, gathering: Gathering) -> Priority:
    if item.priority is None or not item.priority.text.strip():
        return Priority.MEDIUM
    found = meant_priority(item.priority.text)
    if found is None:
        said = f"the priority {shorten(item.priority.text)!r} is not known and kept as a note; medium is taken"
        gathering.report.warn(item.priority.mark, said)
    return found or Priority.MEDIUM


def first_line(text: str) -> str:
    """The first line that says something."""
    return text.strip().split("\n", 1)[0].strip()
