"""How an agent's card is read: Markdown with YAML front matter in the convention of Claude Code's subagents."""

import json
import re
from dataclasses import dataclass

from pydantic import JsonValue

from prefect_swarm.core.document import Limits, Mapping, Mark, Report, Scalar, did_you_mean, shorten
from prefect_swarm.core.formats.criteria import read_argv
from prefect_swarm.core.formats.fields import Fields, kind_of
from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.roster import AgentCard, Rights, RunnerSpec, Stage
from prefect_swarm.core.scalars import is_null, json_of
from prefect_swarm.core.tree import Marks, decode, parse_tree

CARD_KEYS = (
    "name", "description", "tools", "model", "stage", "runner", "rights", "keywords", "timeout", "max_retries",
    "budget", "concurrency", "fallback",
)  # fmt: skip
CLAUDE_KEYS = (
    "color", "permissionMode", "maxTurns", "disallowedTools", "skills", "mcpServers", "hooks", "memory", "background",
    "effort", "isolation", "initialPrompt",
)  # fmt: skip
RUNNER_KINDS = ("command", "python", "rehearsal", "claude", "codex", "gemini", "aider", "model")
NEEDS_VALUE = {"command": "[program, argument]", "python": '"package.module:callable"'}
NAME = re.compile(r"[^\s/,]{1,100}")
CALLABLE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")
FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:.*\n)*?(?=---[ \t]*(?:\r?\n|\Z))")
LOOSE_DESCRIPTION = re.compile(r"^(description:[ \t]+)([^\s\"'|>&*!\[{%@`#][^\r\n]*(?:: | #)[^\r\n]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ReadCard:
    """A card, and what a person should look at."""

    card: AgentCard
    warnings: tuple[str, ...]


def read_card(content: bytes, name: str, *, folder: str = "") -> ReadCard | None:
    """Read an agent's card; None for Markdown without front matter, which is no card.

    Raises RequirementError, and nothing else, whatever the bytes; it holds every problem of the file.
    """
    limits, report = Limits(), Report(name)
    report.text = decode(content, report, limits=limits)
    front = FRONT_MATTER.match(report.text)
    if front is None:
        return None
    text, shifts = quote_description(front[0])
    root = parse_tree(text, Marks(report, shifts), limits=limits)
    if not isinstance(root, Mapping):
        report.stop(Mark(1, 1), "the front matter must be a mapping with name and description")
    body = report.text[front.end() :].split("\n", 1)
    return _card(root, report, prompt=body[1].strip() if len(body) > 1 else "", folder=folder)


def quote_description(front: str) -> tuple[str, list[tuple[int, int]]]:
    """Put quotes around a description that YAML would refuse for its colons, as cards in the wild have it.

    The second value tells where indices shifted.
    """
    loose = LOOSE_DESCRIPTION.search(front)
    if loose is None:
        return front, []
    quoted = json.dumps(loose[2].rstrip(), ensure_ascii=False)
    shift = (loose.start(2) + len(quoted), len(loose[2]) - len(quoted))
    return front[: loose.start(2)] + quoted + front[loose.end(2) :], [shift]


def _card(root: Mapping, report: Report, *, prompt: str, folder: str) -> ReadCard:
    fields = Fields(root, report, CARD_KEYS)
    name = _name(fields, root)
    description = fields.text("description")
    if not description:
        report.refuse(root.mark, "an agent needs a description; say what it is for")
    card = AgentCard(
        name=AgentName(name),
        description=description,
        tools=tuple(word.text for word in fields.words("tools")),
        model=fields.text("model") or None,
        prompt=prompt,
        stage=Stage(fields.choice("stage", tuple(Stage)) or Stage.BUILD),
        runner=_runner(fields),
        rights=Rights(fields.choice("rights", tuple(Rights)) or Rights.EDIT),
        keywords=tuple(word.text for word in fields.words("keywords")),
        timeout=fields.number("timeout") or AgentCard.model_fields["timeout"].default,
        max_retries=fields.whole("max_retries", lowest=0, highest=50),
        budget=fields.budget(),
        concurrency=fields.whole("concurrency", lowest=1, highest=1000),
        fallback=AgentName(fields.text("fallback")) or None,
        folder=folder,
    )
    fields.warn_rest(CLAUDE_KEYS)
    report.close()
    return ReadCard(card, report.warnings)


def _name(fields: Fields, root: Mapping) -> str:
    name = fields.scalar("name")
    if name is None or not name.text.strip():
        fields.report.refuse(root.mark, "an agent needs a name")
    elif not NAME.fullmatch(name.text.strip()):
        said = f"{shorten(name.text)!r} cannot be an agent's name: no spaces, commas or slashes, at most 100 characters"
        fields.report.refuse(name.mark, said)
    return name.text.strip() if name else ""


def _runner(fields: Fields) -> RunnerSpec | None:
    for entry in fields.entries("runner"):
        match entry.value:
            case Scalar(text=text, mark=mark):
                return _named_runner(text.strip(), mark, report=fields.report)
            case Mapping() as options:
                return _runner_with_options(options, fields.report)
            case other:
                fields.report.refuse(other.mark, "runner must be a name or a mapping, not a list")
    return None


def _named_runner(kind: str, mark: Mark, *, report: Report) -> RunnerSpec | None:
    if kind not in RUNNER_KINDS:
        hint = did_you_mean(kind, RUNNER_KINDS) or f"; known: {', '.join(RUNNER_KINDS)}"
        report.refuse(mark, f"{shorten(kind)!r} is no runner{hint}")
    elif kind in NEEDS_VALUE:
        report.refuse(mark, f"the runner {kind} needs a value: `runner: {{{kind}: {NEEDS_VALUE[kind]}}}`")
    else:
        return RunnerSpec(kind=kind)
    return None


def _runner_with_options(node: Mapping, report: Report) -> RunnerSpec | None:
    kinds = [entry for entry in node.entries if entry.name in RUNNER_KINDS]
    if len(kinds) != 1:
        # `model` is a kind and also an option of the other kinds
        kinds = [entry for entry in kinds if entry.name != "model"]
    if len(kinds) != 1:
        report.refuse(node.mark, f"a runner has exactly one of {', '.join(RUNNER_KINDS)}")
        return None
    kind = kinds[0]
    options: dict[str, JsonValue] = {entry.name: json_of(entry.value) for entry in node.entries if entry is not kind}
    if kind.name == "command":
        options = {"command": list(read_argv(kind, report)), **options}
    elif kind.name == "python" and not (isinstance(kind.value, Scalar) and CALLABLE.fullmatch(kind.value.text)):
        report.refuse(kind.value.mark, f'python must be "package.module:callable", not {kind_of(kind.value)}')
    elif not is_null(kind.value):
        options = {kind.name: json_of(kind.value), **options}
    return RunnerSpec(kind=kind.name, options=options)
