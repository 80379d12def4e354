"""What an agent is told: its requirement, what it builds on, the evidence of its last attempt; nothing else.

Text of other agents arrives between delimiters that it cannot contain, with its origin; output arrives in fences that
it cannot close. No template engine ever sees any of it.
"""

import re

from prefect_swarm.core.events import Evidence
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.policy import POLICIES
from prefect_swarm.core.requirement import Requirement, criterion_title
from prefect_swarm.core.state import ItemState, RunState

UPSTREAM = 20
"""Dependencies that are told at most."""
SUMMARY = 1_000
"""Characters of a dependency's summary."""
FILES = 20
"""Files of a dependency that are named at most."""
CHECKS = 10
"""Failed checks whose evidence is told at most."""
LINE = 200
"""Characters of a path or a title that are told."""
REASON = 2_000
"""Characters of the reason of a failure."""
_DELIMITER = re.compile(r"<(?=\s*/?\s*from\b)", re.IGNORECASE)
_FENCE = re.compile(r"`{3,}")


def prompt_for(plan: Plan, state: RunState, item: WorkItem) -> str:
    """Write the prompt of an item's next attempt, in Markdown; the same plan and state give the same text."""
    requirement = plan.requirement_by_id[item.requirement]
    card = plan.agent_by_name[item.agent]
    mine = state.items[item.id]
    parts = [
        card.prompt.strip(),
        _requirement(requirement),
        _criteria(requirement),
        _upstream(state, item),
        f"## Guidance of a person\n\n{mine.guidance}" if mine.guidance else "",
        _evidence(mine),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _requirement(requirement: Requirement) -> str:
    text = f"# {requirement.id}: {requirement.title}"
    return f"{text}\n\n{requirement.description}" if requirement.description else text


def _criteria(requirement: Requirement) -> str:
    lines = [f"- {criterion_title(one)}" for one in requirement.acceptance]
    return "## Done means\n\n" + "\n".join(lines) if lines else ""


def _upstream(state: RunState, item: WorkItem) -> str:
    told = [_product(state.items[one]) for one in item.depends_on[:UPSTREAM]]
    return "## What this builds on\n\n" + "\n".join(told) if told else ""


def _product(upstream: ItemState) -> str:
    files = ", ".join(_one_line(one.path) for one in upstream.files[:FILES])
    said = [upstream.summary[:SUMMARY] or "(no summary)", *([f"files: {files}"] if files else [])]
    return "\n".join([f'<from item="{upstream.id}">', _DELIMITER.sub("&lt;", "\n".join(said)), "</from>"])


def _evidence(item: ItemState) -> str:
    if item.failure is None:
        return ""
    cause = POLICIES[item.failure].cause.capitalize()
    failed = [one for one in item.evidence if not one.passed]
    parts = [f"## Evidence of the last attempt\n\n{cause}: {item.reason[:REASON]}"]
    parts += [_failed(one) for one in failed[:CHECKS]]
    if len(failed) > CHECKS:
        parts.append(f"... and {len(failed) - CHECKS} more failed checks")
    if item.output:
        parts.append(f"### What it printed\n\n{_fenced(item.output)}")
    return "\n\n".join(parts)


def _failed(check: Evidence) -> str:
    exited = "" if check.exit_code is None else f"exit code {check.exit_code}\n\n"
    return f"### {_one_line(check.title)}\n\n{exited}{_fenced(check.output)}"


def _fenced(text: str) -> str:
    """Fence a text in, by more backticks than stand anywhere in it."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(text))])
    return f"{fence}\n{text}\n{fence}"


def _one_line(text: str) -> str:
    return (text if text.isprintable() else ascii(text)[1:-1])[:LINE]
