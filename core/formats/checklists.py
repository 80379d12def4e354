"""How documents made of boxes to be ticked are read: one task a box, with id, state, marks and what it waits for."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from prefect_swarm.core.document import Mark, Report, Scalar, shorten
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.markdown import Block, Item, Listing, Paragraph, Section
from prefect_swarm.core.formats.phrases import TICK, accepted_of_item, bare_heading, flat, priority_in
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Criterion, Priority, TextCriterion

TASK_ID = (
    r"T\d{2,5}[A-Za-z]?|[A-Z][A-Za-z0-9]{0,11}(?:-[A-Z0-9]{1,12}){0,3}-\d{1,5}(?:\.\d{1,4}){0,4}[a-z]?"
    r"|\d{1,4}(?:\.\d{1,4}){1,5}"
)
NUMBER = r"\d{1,4}(?=[.)]\s|[.:]?\*\*)"
LEADING_ID = re.compile(
    rf"(?:\*\*|`|~~)?\[?(?P<id>{TASK_ID}|{NUMBER})(?![\w-])\]?[.:)]?(?:\*\*|`|~~)?[.:)]?(?P<star>\\?\*(?=\s))?\s*"
)
FLAG = re.compile(r"\[(?P<flag>P|US\d{1,3}|Story:?\s*[\w-]{1,20}|[A-Z]{1,10}\d{0,3})\][ \t]*")
WAITS = re.compile(
    r"(?<![A-Za-z])(?:(?P<surely>depend(?:s|ent|encies|ency|ing)?\s*(?:on)?|blocked\s+by|prerequisites?)"
    r"|requires|needs|after)(?=[\s:*_`])",
    re.IGNORECASE,
)
BETWEEN = re.compile(r"[\s,;:&+/`*_()\[\]]*(?:(?:and|tasks?|on|only|also)\b[\s:*_`]*){0,2}")
WAITED_FOR = re.compile(rf"(?P<id>{TASK_ID}|\d{{1,4}})(?![A-Za-z0-9]|\.\d|-[^T\d])")
UP_TO = re.compile(r"\s*(?:\.\.\.?|-|\u2013|\u2014|\bto\b|\bthrough\b)\s*(?=T?\d)")
REFERENCES = re.compile(
    r"(?:requirements?|validates(?:[ \t:*]+requirements?)?)[*_]*[ \t]*:[*_]*[ \t]*(?P<list>[^_\n]+)", re.IGNORECASE
)
REFERENCE_WORD = re.compile(r"^[\s*]*requirements?\b", re.IGNORECASE)
MAX_RANGE = 200
STATES = {"x": "done", "-": "in progress", "~": "queued", "/": "in progress", ">": "deferred", "*": "in progress"}


@dataclass(slots=True)
class Task:
    """One box with its text."""

    mark: Mark
    id: Scalar | None
    text: str
    state: str
    written: str
    item: Item
    flags: tuple[str, ...] = ()
    optional: bool = False
    category: str = ""
    beside: bool = False
    """Whether it stands beside the task that it belongs to, not below it."""
    subtasks: list["Task"] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether the box is ticked."""
        return self.state == "done"


def task_of(item: Item, category: str = "") -> Task | None:
    """The task that an item of a list is; None where it has no box."""
    box = TICK.match(item.text)
    if box is None:
        return None
    state = STATES.get(box["mark"].strip().lower(), "done" if box["mark"].strip() else "open")
    text = item.text[box.end() :]
    name = LEADING_ID.match(text)
    rest = text[name.end() :] if name else text
    flags: list[str] = []
    while flag := FLAG.match(rest):
        flags.append(flag["flag"])
        rest = rest[flag.end() :]
    cut = len(item.text) - len(rest)
    return Task(
        mark=item.mark,
        id=Scalar(name["id"], False, item.mark) if name else None,
        text=rest,
        state=state,
        written=item.written[cut:] if item.written.startswith(item.text[:cut]) else rest,
        item=item,
        flags=tuple(flags),
        optional=bool(box["optional"]) or bool(name and "*" in name[0].replace("**", "")),
        category=category,
    )


def tasks_of(root: Section) -> Iterator[Task]:
    """Every top box of a document, with the boxes that belong to it: those below it, and those numbered below it."""
    last: Task | None = None
    for section in root.walk():
        category = bare_heading(section.title) if section.level > 1 else ""
        for task in (one for block in section.blocks for one in _tasks_in(block, category)):
            task.subtasks = list(_inner_tasks(task.item.inner, category))
            if last is not None and _is_below(task, last):
                task.beside = True
                last.subtasks += [task, *task.subtasks]
                continue
            if last is not None:
                yield last
            last = task
    if last is not None:
        yield last


def _tasks_in(block: Block, category: str) -> Iterator[Task]:
    for item in block.items if isinstance(block, Listing) else ():
        task = task_of(item, category)
        if task is not None:
            yield task
        else:
            yield from (one for inner in item.inner for one in _tasks_in(inner, category))


def _inner_tasks(blocks: Iterable[Block], category: str) -> Iterator[Task]:
    for block in blocks:
        for item in block.items if isinstance(block, Listing) else ():
            task = task_of(item, category)
            if task is not None:
                yield task
            yield from _inner_tasks(item.inner, category)


def _is_below(task: Task, parent: Task) -> bool:
    """Whether a task is numbered below another, as 2.1 is below 2, though it stands beside it."""
    return bool(task.id and parent.id and task.id.text.startswith(f"{parent.id.text}."))


def add_tasks(tasks: Iterable[Task], gathering: Gathering) -> None:
    """Take tasks as requirements; what belongs to a task becomes its criteria, with all that is said in a note."""
    found = list(tasks)
    owner = {one.id.text: task for task in found for one in (task, *task.subtasks) if one.id}
    for task in found:
        gathering.add(_draft(task, owner, gathering.report), said_of(task))
        for sub in task.subtasks:
            if task.done and not sub.done and not sub.optional:
                name = shorten(sub.id.text if sub.id else sub.text)
                gathering.report.warn(sub.mark, f"{name} is open, though the task it belongs to is ticked")


def _draft(task: Task, owner: dict[str, Task], report: Report) -> Draft:
    parts = (task, *task.subtasks)
    beside = ("- " + sub.item.written.replace("\n", "\n  ") for sub in task.subtasks if sub.beside)
    waits = {one.text: one for part in parts for one in waited_for(part.item.written, part.mark, owner)}
    own = {part.id.text for part in parts if part.id}
    if not task.text.strip():
        report.refuse(task.mark, "a task without text; write what is to be done or take the line out")
    return Draft(
        task.mark,
        flat(task.text),
        "\n".join((task.written, *beside)).strip(),
        id=task.id,
        prefix="TASK",
        priority=priority_in(task.text) or Priority.MEDIUM,
        depends_on=tuple(_top(one, owner) for name, one in waits.items() if name not in own),
        acceptance=(*accepted_of_item(task.item), *_criteria(task.subtasks)),
        category=task.category,
        done=task.done,
    )


def _criteria(subtasks: Iterable[Task]) -> tuple[Criterion, ...]:
    named = (f"{sub.id.text} {sub.text}" if sub.id else sub.text for sub in subtasks)
    return tuple(TextCriterion(text=text) for text in named if text.strip())


def _top(one: Scalar, owner: dict[str, Task]) -> Scalar:
    """What is waited for: the task that a subtask belongs to."""
    task = owner.get(one.text)
    return Scalar(task.id.text, False, one.mark) if task and task.id else one


def waited_for(text: str, mark: Mark, known: Collection[str]) -> Iterator[Scalar]:
    """The ids that a text says it waits for: `depends on T003, T005-T007`, `_Depends: 4.1_`, `(after T010)`.

    Ids as in spec-kit count wherever they stand; bare numbers only where a task has them.
    """
    for said in WAITS.finditer(text):
        for name in _listed(text, said.end()):
            is_known = name in known or (name.startswith("T") and name not in text[: said.start()])
            if is_known and (said["surely"] or not name.isdigit()):
                yield Scalar(name, False, mark)


def _listed(text: str, at: int) -> Iterator[str]:
    """The ids that stand one after the other from there on, `T005-T007` being three."""
    while True:
        between = BETWEEN.match(text, at)
        found = WAITED_FOR.match(text, between.end() if between else at)
        if found is None:
            return
        span = UP_TO.match(text, found.end())
        last = (WAITED_FOR.match(text, span.end()) if span else None) or found
        yield from _range(found["id"], last["id"])
        at = last.end()


def _range(first: str, last: str) -> tuple[str, ...]:
    start, end = re.fullmatch(r"(.*?)(\d+)", first), re.fullmatch(r"(.*?)(\d+)", last)
    if first == last or start is None or end is None:
        return (first,)
    low, high = int(start[2]), int(end[2])
    if not low < high <= low + MAX_RANGE:
        return (first, last)
    return tuple(f"{start[1]}{number:0{len(start[2])}d}" for number in range(low, high + 1))


def references_of(text: str) -> list[str]:
    """The requirements that a task names: `_Requirements: 1.1, 1.2_`."""
    listed = (
        REFERENCE_WORD.sub("", part).strip(" .*`")
        for found in REFERENCES.finditer(text)
        for part in found["list"].split(",")
    )
    return list(dict.fromkeys(part for part in listed if part))


def said_of(task: Task) -> dict[str, JsonValue]:
    """What is said of a task beside its text, for a note."""
    said: dict[str, JsonValue] = {}
    if task.state not in {"open", "done"}:
        said["state"] = task.state
    if task.optional:
        said["optional"] = True
    if task.flags:
        said["marks"] = list(task.flags)
    if refers := references_of(_own_text(task.item)):
        said["requirements"] = list(refers)
    if task.subtasks:
        said["subtasks"] = [described(sub) for sub in task.subtasks]
    return said


def _own_text(item: Item) -> str:
    """What an item says, without the boxes below it."""
    texts = [item.text]
    for block in item.inner:
        match block:
            case Listing(items=items):
                texts += [_own_text(one) for one in items if TICK.match(one.text) is None]
            case Paragraph(text=text):
                texts.append(text)
            case _:
                pass
    return "\n".join(texts)


def described(task: Task) -> JsonValue:
    """A task as a note: id, title, whether it is done, and what is said of it."""
    name: dict[str, JsonValue] = {"id": task.id.text} if task.id else {}
    return {**name, "title": task.text, "done": task.done, **said_of(task), "text": task.written}
