"""How task-master's `tasks.json` is read: lists of tasks, one for each tag, whose subtasks belong to their task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from prefect_swarm.core.document import Mapping, Mark, Node, Report, Scalar
from prefect_swarm.core.document import Sequence as Listed
from prefect_swarm.core.formats.fields import kind_of
from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.interface import Document, Format, refuse_folder
from prefect_swarm.core.formats.items import Item, take
from prefect_swarm.core.formats.terms import CRITERIA, Standing, plain, standing_of
from prefect_swarm.core.ids import identity
from prefect_swarm.core.requirement import Project, RequirementSet
from prefect_swarm.core.scalars import is_null, json_of

HOME = "master"
"""The tag that task-master starts with."""
SIGNS = {"status", "dependencies", "subtasks", "testStrategy", "details", "priority"}
TEXTS = ("title", "name", "description", "details", "status", "priority")
READ = {"id", *TEXTS, "dependencies", "subtasks"}
HOW = 'a file of task-master is `{"master": {"tasks": [...]}}` or `{"tasks": [...]}`'


@dataclass(frozen=True, slots=True)
class TaskList:
    """The tasks of one tag."""

    tag: str
    tasks: tuple[Node, ...]
    prefix: str = ""
    """What stands before the ids of the tag where another tag has the same ones."""


def read(document: Document, report: Report) -> RequirementSet:
    """Read the tasks of all tags; each task is a requirement, its subtasks are steps of it."""
    refuse_folder(document, report, "a task list")
    root = document.parsed(report)
    gathering = Gathering(report, open_ended=True)
    if not isinstance(root, Mapping):
        report.stop(Mark(1, 1), f"no tasks: {HOW}")
    for one in _told_apart(list(_lists(root))):
        known = {identity(_word(task, "id")) for task in one.tasks if isinstance(task, Mapping)}
        for task in one.tasks:
            _task(task, one, known, gathering)
    _note_rest(root, gathering)
    return gathering.finish(Project(), nothing=f"no tasks: {HOW}")


def _lists(root: Mapping) -> Iterator[TaskList]:
    for entry in root.entries:
        if entry.name == "tasks" and isinstance(entry.value, Listed):
            yield TaskList("", entry.value.items)
        elif isinstance(entry.value, Mapping):
            tasks = entry.value.find("tasks")
            if tasks and isinstance(tasks.value, Listed):
                yield TaskList(entry.name, tasks.value.items)


def tasks_of(root: Node) -> dict[Mark, Node]:
    """The tasks of all tags, by where they stand."""
    lists = _lists(root) if isinstance(root, Mapping) else ()
    return {task.mark: task for one in lists for task in one.tasks}


def _told_apart(lists: list[TaskList]) -> list[TaskList]:
    """Put the tag before ids that an earlier list has too; those of `master`, else of the first, stay as they are."""
    names = [one.tag for one in lists]
    first = names.index(HOME) if HOME in names else 0
    order = [first, *(at for at in range(len(lists)) if at != first)]
    taken: set[str] = set()
    found: dict[int, TaskList] = {}
    for at in order if lists else []:
        ids = {identity(_word(task, "id")) for task in lists[at].tasks if isinstance(task, Mapping)} - {""}
        prefix = f"{lists[at].tag}/" if ids & taken else ""
        taken |= ids
        found[at] = TaskList(lists[at].tag, lists[at].tasks, prefix)
    return [found[at] for at in sorted(found)]


def _task(node: Node, within: TaskList, known: set[str], gathering: Gathering) -> None:
    if not isinstance(node, Mapping):
        gathering.report.refuse(node.mark, f"a task must be a mapping, not {kind_of(node)}")
        return
    steps = _steps(node, gathering)
    priority = node.find("priority")
    category = within.tag if within.prefix or within.tag not in {"", HOME} else ""
    item = Item(
        node.mark,
        id=_id(node, within.prefix),
        title=_word(node, "title", "name"),
        text=_description(node, steps),
        status=_word(node, "status"),
        priority=priority.value if priority and isinstance(priority.value, Scalar) else None,
        category=category,
        depends_on=tuple(_needed(node, within.prefix, known, gathering)),
        acceptance=tuple(_criteria(node)),
        said=_rest(node) | _subtasks(steps),
    )
    take(item, gathering)


def _id(node: Mapping, prefix: str) -> Scalar | None:
    found = node.find("id")
    if found is None or not isinstance(found.value, Scalar) or is_null(found.value):
        return None
    return Scalar(prefix + found.value.text.strip(), False, found.value.mark)


def _needed(node: Mapping, prefix: str, known: set[str], gathering: Gathering) -> Iterator[Scalar]:
    """The tasks that a task waits for; a dependency on a step is one on the task of that step."""
    own = identity(_word(node, "id"))
    for wanted in _list(node, "dependencies"):
        if not isinstance(wanted, Scalar):
            gathering.report.refuse(wanted.mark, f"a dependency must be an id, not {kind_of(wanted)}")
            continue
        name = wanted.text.strip()
        if identity(name) not in known and identity(name.partition(".")[0]) in known:
            name = name.partition(".")[0]
            if identity(name) == own:
                continue  # a task that waits for its own step
        if name:
            yield Scalar(prefix + name, False, wanted.mark)


@dataclass(frozen=True, slots=True)
class Step:
    """A subtask, with the number by which others name it: `1.2`."""

    number: str
    node: Mapping
    depends_on: tuple[str, ...]


def _steps(task: Mapping, gathering: Gathering) -> list[Step]:
    steps: list[Step] = []
    own = _word(task, "id")
    for at, node in enumerate(_list(task, "subtasks"), start=1):
        if not isinstance(node, Mapping):
            gathering.report.refuse(node.mark, f"a subtask must be a mapping, not {kind_of(node)}")
            continue
        needed = [one.text.strip() for one in _list(node, "dependencies") if isinstance(one, Scalar)]
        steps.append(Step(_dotted(own, _word(node, "id") or str(at)), node, tuple(_dotted(own, one) for one in needed)))
    return steps


def _dotted(task: str, step: str) -> str:
    return step if "." in step or not task else f"{task}.{step}"


def _description(task: Mapping, steps: Sequence[Step]) -> str:
    parts = [_word(task, "description"), _word(task, "details")]
    if steps:
        parts.append("Steps:\n" + "\n".join(_step_lines(step) for step in steps))
    return "\n\n".join(part for part in parts if part)


def _step_lines(step: Step) -> str:
    box = "x" if _is_done(step.node) else " "
    first, *rest = [
        text
        for text in (_word(step.node, "title", "name"), _word(step.node, "description"), _word(step.node, "details"))
        if text
    ] or [""]
    lines = [f"- [{box}] {step.number} {first}", *(line for text in rest for line in text.splitlines())]
    return "\n  ".join(lines)


def _criteria(task: Mapping) -> Iterator[str]:
    for entry in task.entries:
        if plain(entry.name) in CRITERIA and not is_null(entry.value):
            values = entry.value.items if isinstance(entry.value, Listed) else (entry.value,)
            yield from (one.text for one in values if isinstance(one, Scalar) and one.text.strip())


def _rest(task: Mapping) -> dict[str, JsonValue]:
    return {
        entry.name: json_of(entry.value)
        for entry in task.entries
        if entry.name not in READ and plain(entry.name) not in CRITERIA and not is_null(entry.value)
    }


def _subtasks(steps: Sequence[Step]) -> dict[str, JsonValue]:
    found: list[JsonValue] = []
    for step in steps:
        said: dict[str, JsonValue] = {"id": step.number, "done": _is_done(step.node)}
        said |= {entry.name: json_of(entry.value) for entry in step.node.entries if entry.name not in said}
        said["dependencies"] = [*step.depends_on]
        found.append(said)
    return {"subtasks": found} if found else {}


def _is_done(step: Mapping) -> bool:
    return standing_of(_word(step, "status")) is Standing.DONE


def _note_rest(root: Mapping, gathering: Gathering) -> None:
    """Keep what stands beside the tasks: the metadata of the file and of its tags."""
    for entry in root.entries:
        if isinstance(entry.value, Mapping) and entry.value.find("tasks"):
            inner = {one.name: json_of(one.value) for one in entry.value.entries if one.name != "tasks"}
            if inner:
                gathering.notes[entry.name] = {**inner}
        elif entry.name != "tasks":
            gathering.notes[entry.name] = json_of(entry.value)


def _list(node: Mapping, name: str) -> tuple[Node, ...]:
    found = node.find(name)
    if found is None or is_null(found.value):
        return ()
    return found.value.items if isinstance(found.value, Listed) else (found.value,)


def _word(node: Mapping, *names: str) -> str:
    for name in names:
        found = node.find(name)
        if found and isinstance(found.value, Scalar) and not is_null(found.value) and found.value.text.strip():
            return found.value.text.strip()
    return ""


def recognises(document: Document) -> float:
    """Sure where tasks have what only task-master gives them."""
    root = document.tree
    if not isinstance(root, Mapping):
        return 0
    tasks = [task for one in _lists(root) for task in one.tasks[:5]]
    like = [one for one in tasks if isinstance(one, Mapping) and one.find("title", "name") and one.find(*SIGNS)]
    if like:
        return 0.9
    return 0.6 if any(one.tag or document.base == "tasks.json" for one in _lists(root)) else 0


FORMAT = Format("task-master", "task-master's tasks.json", recognises, read)
