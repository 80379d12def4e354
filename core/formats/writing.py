"""How requirements are written in our own format, so that reading them again gives the same set."""

import json

import yaml
from pydantic import JsonValue

from prefect_swarm.core.requirement import (
    ContainsCheck,
    Criterion,
    FileCheck,
    Project,
    Requirement,
    RequirementSet,
    RunCheck,
    TextCriterion,
)

TAG = "tag:yaml.org,2002:"
UNBROKEN = 2**31 - 1
"""Columns of a line, so that no text is broken where it has no line break."""


def native_document(found: RequirementSet) -> dict[str, JsonValue]:
    """The set in our own format, with every key of every requirement and where it came from."""
    project: JsonValue = {key: value for key, value in _project(found.project).items() if value}
    requirements: list[JsonValue] = [_full(one) for one in found.requirements]
    return {"project": project, "requirements": requirements, "notes": found.notes}


def native_json(found: RequirementSet) -> str:
    """The set in our own format as JSON."""
    return json.dumps(native_document(found), indent=2, ensure_ascii=False) + "\n"


def native_yaml(found: RequirementSet) -> str:
    """The set in our own format as YAML: keys that say nothing are left out, texts are kept to the letter."""
    requirements: list[JsonValue] = [_short(one) for one in found.requirements]
    document = native_document(found) | {"requirements": requirements}
    node = _node({key: value for key, value in document.items() if value})
    return yaml.serialize(  # pyright: ignore[reportUnknownMemberType] - its stub leaves `node` without a type
        node, Dumper=yaml.SafeDumper, allow_unicode=True, width=UNBROKEN
    )


def _node(value: JsonValue) -> yaml.Node:
    match value:
        case dict():
            return yaml.MappingNode(
                f"{TAG}map", [(_scalar(key), _node(each)) for key, each in value.items()], flow_style=False
            )
        case list():
            return yaml.SequenceNode(f"{TAG}seq", [_node(each) for each in value], flow_style=not value)
        case _:
            return _scalar(value)


def _scalar(value: str | float | bool | None) -> yaml.ScalarNode:  # noqa: FBT001 - a value of the file
    match value:
        case None:
            return yaml.ScalarNode(f"{TAG}null", "null")
        case bool():
            return yaml.ScalarNode(f"{TAG}bool", "true" if value else "false")
        case int():
            return yaml.ScalarNode(f"{TAG}int", str(value))
        case float():
            text = repr(value)  # `1e+16` is a number to our reader and a text to PyYAML, which reads YAML 1.1
            return yaml.ScalarNode(f"{TAG}{'float' if '.' in text else 'str'}", text)
        case str():
            return yaml.ScalarNode(f"{TAG}str", value, style=_style(value))


def _style(text: str) -> str | None:
    """A block for several lines where it keeps every character, quotes for what cannot be seen, else as YAML likes."""
    lines = text.split("\n")
    if len(lines) > 1 and text == text.strip() and all(one.isprintable() and one == one.rstrip() for one in lines):
        return "|"
    return None if text.isprintable() and text == text.strip() else '"'


def _project(project: Project) -> dict[str, JsonValue]:
    team: list[JsonValue] = list(project.team)
    return {"name": project.name, "type": project.type, "description": project.description, "team": team}


def _full(one: Requirement) -> dict[str, JsonValue]:
    waits: list[JsonValue] = [str(name) for name in one.depends_on]
    agents: list[JsonValue] = [str(name) for name in one.agents]
    acceptance: list[JsonValue] = [_criterion(criterion) for criterion in one.acceptance]
    budget: JsonValue = one.budget.model_dump(exclude_none=True) if one.budget else None
    source: JsonValue = {"file": one.source.file, "line": one.source.line}
    return {
        "id": str(one.id),
        "title": one.title,
        "description": one.description,
        "priority": one.priority.value,
        "depends_on": waits,
        "acceptance": acceptance,
        "agents": agents,
        "effort": one.effort,
        "budget": budget,
        "category": one.category,
        "done": one.done,
        "source": source,
    }


def _short(one: Requirement) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {key: value for key, value in _full(one).items() if value and key != "source"}
    if one.description == one.title:
        said.pop("description", None)
    return said


def _criterion(criterion: Criterion) -> JsonValue:
    match criterion:
        case TextCriterion(text=text):
            return {"text": text}
        case FileCheck(path=path):
            return {"file": path}
        case ContainsCheck():
            return {"contains": criterion.model_dump(exclude={"kind"}, exclude_none=True)}
        case RunCheck(argv=argv):
            return {"run": list(argv), "exit_code": criterion.exit_code, "timeout": criterion.timeout}
