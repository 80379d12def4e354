"""What an agent is told: its requirement, what it builds on, the evidence of its last attempt; nothing else.

Text of other agents arrives between delimiters, with its origin. No template engine ever sees any of it.
"""

from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.policy import POLICIES
from prefect_swarm.core.requirement import Requirement, criterion_title
from prefect_swarm.core.state import ItemState, RunState

UPSTREAM = 20
"""Dependencies that are told at most."""
SUMMARY = 1_000
"""Characters of a dependency's summary."""


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
    files = ", ".join(one.path for one in upstream.files[:20])
    lines = [f'<from item="{upstream.id}">', upstream.summary[:SUMMARY] or "(no summary)"]
    return "\n".join([*lines, *([f"files: {files}"] if files else []), "</from>"])


def _evidence(item: ItemState) -> str:
    if item.failure is None:
        return ""
    parts = [f"## Evidence of the last attempt\n\n{POLICIES[item.failure].cause.capitalize()}: {item.reason}"]
    parts += [
        f"### {one.title}\n\nexit code {one.exit_code}\n\n```\n{one.output}\n```"
        for one in item.evidence
        if not one.passed
    ]
    if item.output:
        parts.append(f"### What it printed\n\n```\n{item.output}\n```")
    return "\n\n".join(parts)
