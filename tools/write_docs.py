"""Writes what follows from the code: parts of docs/, and the schema of checkpoint files: `python tools/write_docs.py`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; everything around it is written by hand.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

from pydantic.fields import FieldInfo

from prefect_swarm.core import events as on
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.policy import POLICIES, Failure
from prefect_swarm.core.reducer import LEGAL, IllegalEvent, fold
from prefect_swarm.core.requirement import Value
from prefect_swarm.core.settings import PREFIX, Settings
from prefect_swarm.core.state import ItemState, ItemStatus, RunState
from prefect_swarm.core.table import ItemTable
from prefect_swarm.journal.checkpoints import Snapshot

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
SCHEMA = REPOSITORY / "journal" / "checkpoint.schema.json"
"""Lies in the package, so that whoever has the program has it too."""
PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
ITEM = ItemId("item")
NAMES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "NoneType": "null",
    "ItemId": "item id",
    "Failure": "[failure class](#failure-classes)",
    "Evidence": "[evidence](#evidence)",
    "FileChange": "[file change](#filechange)",
    "Reused": "[reused work](#reused)",
    "RunId": "run id",
}
"""How types are told to people who do not read Python."""
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "min_length": "at least", "max_length": "at most"}
ENDINGS = (on.ItemFailed, on.ItemSkipped)
"""Moves out of almost every status; the diagram would drown in their arrows."""


def settings_table() -> str:
    """One row for each setting."""
    rows = [
        f"| `{name}` | `{PREFIX}{name.upper()}` | {_default(field)} | {_meaning(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | variable | default | meaning |", "|---|---|---|---|", *rows])


def item_events() -> str:
    """A heading for each kind of event about an item, with what it means and its fields."""
    return "\n\n".join(map(_event, get_args(on.ItemEvent)))


def run_events() -> str:
    """A heading for each kind of event about the run."""
    return "\n\n".join(map(_event, get_args(on.RunEvent)))


def values() -> str:
    """The values that stand inside events."""
    return "\n\n".join(
        f"### {kind.__name__}\n\n{_about(kind)}\n\n{_fields(kind)}" for kind in (on.Evidence, on.FileChange, on.Reused)
    )


def failure_table() -> str:
    """One row for each class of failure."""
    rows = [
        f"| `{failure}` | {policy.cause} | {_yes(policy.retried)} | {_yes(policy.counts)} | {policy.remedy} |"
        for failure, policy in POLICIES.items()
    ]
    head = "| class | cause | tried again by itself | uses up a retry | what to do |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def move_table() -> str:
    """One row for each event of an item: the statuses in which it may happen, and the status that follows."""
    return "\n".join(
        ["| event | may happen while an item is | afterwards it is |", "|---|---|---|", *map(_move, LEGAL)]
    )


def diagram() -> str:
    """The moves as a state diagram, but for those that lead out of almost every status."""
    arrows = [
        f"    {before} --> {after}: {_wire(kind)}"
        for kind in LEGAL
        if kind not in ENDINGS
        for before, after in _moves(kind)
        if before is not after
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> pending", *arrows, "```"])


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "item-events": item_events,
    "run-events": run_events,
    "values": values,
    "failures": failure_table,
    "moves": move_table,
    "diagram": diagram,
}


def renewed(text: str) -> str:
    """Give a document with its generated parts as they should be now."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", text)


def checkpoint_schema() -> str:
    """The JSON Schema of checkpoint files, as the program writes them."""
    schema = Snapshot.model_json_schema(mode="serialization")
    told = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Checkpoint of a run"}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write everything that has changed."""
    wanted = {path: renewed(path.read_text(encoding="utf-8")) for path in sorted(DOCS.rglob("*.md"))}
    for path, after in {**wanted, SCHEMA: checkpoint_schema()}.items():
        if not path.exists() or path.read_text(encoding="utf-8") != after:
            path.write_text(after, encoding="utf-8")
            print(f"written: {path.relative_to(REPOSITORY)}")


# -- settings ------------------------------------------------------------------------------------------------


def _default(field: FieldInfo) -> str:
    value: object = field.default
    if value in ("", ()):
        return "empty"
    if isinstance(value, tuple):
        return f"`{','.join(f'{one:g}' for one in value)}`"  # pyright: ignore[reportUnknownVariableType] - of any kind
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _meaning(field: FieldInfo) -> str:
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in BOUNDS if hasattr(rule, name)}
    told = (field.description or "").rstrip(".")
    return f"{told} ({_range(bounds)})." if bounds else f"{told}."


def _range(bounds: dict[str, object]) -> str:
    """Say between which values a setting lies: `1 to 50`, `above 0`, `at least 1`."""
    if len(bounds) > 1:
        return " to ".join(map(str, bounds.values())) + (" values" if "min_length" in bounds else "")
    return ", ".join(f"{BOUNDS[name]} {limit}" for name, limit in bounds.items())


# -- events --------------------------------------------------------------------------------------------------


def _event(kind: type[Value]) -> str:
    return f"### {_wire(kind)}\n\n{_about(kind)}\n\n{_fields(kind)}"


def _wire(kind: type[Value]) -> str:
    return str(kind.model_fields["type"].default)


def _about(kind: type[Value]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _fields(kind: type[Value]) -> str:
    return "\n".join(_field(name, field) for name, field in kind.model_fields.items() if name != "type")


def _field(name: str, field: FieldInfo) -> str:
    told = f": {field.description}" if field.description else ""
    return f"* `{name}` ({_type(field.annotation)}{'' if field.is_required() else ', optional'}){told}"


def _type(annotation: object) -> str:
    inner = get_args(annotation)
    name = str(getattr(annotation, "__name__", annotation))
    match name:
        case "Literal":
            return " or ".join(f"`{word}`" for word in inner)
        case "tuple":
            return f"list of {_type(inner[0])}"
        case "dict":
            return f"mapping of {_type(inner[0])} to {_type(inner[1])}"
        case _:
            return " or ".join(map(_type, inner)) if inner else NAMES[name]


def _yes(fact: object) -> str:
    return "yes" if fact else "no"


# -- moves ---------------------------------------------------------------------------------------------------


def _move(kind: type[on.ItemEvent]) -> str:
    moves = list(_moves(kind))
    befores = ", ".join(dict.fromkeys(before for before, _ in moves))
    afters = dict.fromkeys("as before" if before is after else after.value for before, after in moves)
    return f"| [`{_wire(kind)}`](events.md#{_wire(kind)}) | {befores} | {', '.join(afters)} |"


def _moves(kind: type[on.ItemEvent]) -> Iterator[tuple[ItemStatus, ItemStatus]]:
    """Yield what the reducer itself makes of such an event, for every status in which it takes it; each move once."""
    for before in ItemStatus:
        state = RunState(RunId("run"), ItemTable([ItemState(ITEM, before)]))
        with suppress(IllegalEvent):
            found = [fold(state, [on.Record(RunId("run"), 1, 1, 0.0, event)]) for event in _samples(kind)]
            yield from dict.fromkeys((before, one.items[ITEM].status) for one in found)


def _samples(kind: type[on.ItemEvent]) -> list[on.ItemEvent]:
    """Make one event of a kind, or one for each class of failure where it has one."""
    failures = tuple(Failure) if "failure" in kind.model_fields else (Failure.AGENT_FAILED,)
    return [_sample(kind, failure) for failure in failures]


def _sample(kind: type[on.ItemEvent], failure: Failure) -> on.ItemEvent:
    given: dict[str, object] = {
        "item": ITEM,
        "attempt": 1,
        "seconds": 1.0,
        "failure": failure,
        "cause": ITEM,
        "reason": "",
        "remedy": "",
        "delay": 0.0,
        "due": 0.0,
        "evidence": on.Evidence(title="", kind="run", passed=True),
    }
    return kind.model_validate({name: given[name] for name, one in kind.model_fields.items() if one.is_required()})


if __name__ == "__main__":
    main()
