"""`swarm plan`: who would do what, in which order, and why; nothing is started, and Prefect is not needed."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from prefect_swarm.agents.preflight import missing_tools
from prefect_swarm.cli.mermaid import mermaid_of
from prefect_swarm.cli.output import Output, visible
from prefect_swarm.cli.planning import add_plan_options, plan_from, settings_of
from prefect_swarm.core.document import count
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.graph import critical_path, efforts, waves
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.roster import Rights

FORMATS = ("table", "json", "mermaid")
MANY = 200
"""Items above which the table shows the uncertain ones only."""
LONG = 12
"""Items of a wave or path that are named."""
COLUMNS = ("item", "runner", "rights", "stage", "priority", "waits for", "why")
WIDEST_ITEM = 28
"""Columns up to which an item's id is not broken."""
NARROW = ("runner", "rights", "stage", "priority")
RIGHTS_STYLE = {Rights.READ: "dim", Rights.EDIT: "", Rights.FULL: "bold red"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `swarm plan`."""
    add_plan_options(parser)
    parser.add_argument("--format", choices=FORMATS, default="table", help="how the plan is shown (default: table)")
    parser.add_argument("--strict", action="store_true", help="exit 65 if the choice of any agent is uncertain")
    parser.add_argument("--all", action="store_true", help=f"show every item, also above {MANY}")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Show the plan; 65 with `--strict` where a choice is uncertain."""
    plan = plan_from(arguments, settings_of(arguments))
    missing = missing_tools(plan)
    match "json" if arguments.json else arguments.format:
        case "json":
            output.document(document_of(plan, missing))
        case "mermaid":
            output.show(mermaid_of(plan))
        case _:
            show_plan(plan, output, missing=missing, everything=arguments.all)
    uncertain = any(item.choice.uncertain for item in plan.items)
    return RequirementError.exit_code if arguments.strict and uncertain else 0


def document_of(plan: Plan, missing: tuple[str, ...]) -> JsonValue:
    """The plan as JSON, with what follows from it."""
    derived: dict[str, JsonValue] = {
        "digest": plan.digest,
        "waves": [list(wave) for wave in waves(plan)],
        "critical_path": list(critical_path(plan, efforts(plan))),
        "missing": list(missing),
        "uncertain": [item.id for item in plan.items if item.choice.uncertain],
    }
    return plan.model_dump(mode="json") | derived


def show_plan(plan: Plan, output: Output, *, missing: tuple[str, ...], everything: bool) -> None:
    """Print the plan for a person: the items, then what follows from them, then what to look at."""
    output.show(headline(plan))
    shown = tuple(item for item in plan.items if everything or len(plan.items) <= MANY or item.choice.uncertain)
    if shown:
        _show_table(shown, output)
    for line in (*_order_lines(plan), *_runner_lines(plan), *_uncertain_lines(plan), *_done_lines(plan)):
        output.show(line)
    for lack in missing:
        output.tell(f"missing: {lack}")
    for warning in plan.warnings:
        output.tell(f"warning: {warning}")


def headline(plan: Plan) -> str:
    """The plan in one line."""
    kind = f" ({plan.project.type})" if plan.project.type else ""
    rehearsal = ", a rehearsal" if plan.rehearsal else ""
    counted = f"{count(len(plan.requirements), 'requirement')}, {count(len(plan.items), 'item')}"
    return f"{plan.project.name}{kind}: {counted}{rehearsal}"


def _show_table(items: tuple[WorkItem, ...], output: Output) -> None:
    from rich import box  # noqa: PLC0415 - `--json` does not pay for it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    unbroken = {*NARROW, "item"} if max(len(item.id) for item in items) <= WIDEST_ITEM else NARROW
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column in unbroken)
    for item in items:
        styles = {"rights": RIGHTS_STYLE[item.rights], "why": "yellow" if item.choice.uncertain else ""}
        table.add_row(*(Text(visible(text), styles.get(column, "")) for column, text in _cells(item).items()))
    output.show(table)


def _cells(item: WorkItem) -> Mapping[str, str]:
    sure = f"{'uncertain, ' if item.choice.uncertain else ''}{item.choice.confidence:.0%}"
    texts = (
        item.id,
        _runner_of(item),
        item.rights,
        item.stage,
        item.priority,
        ", ".join(item.depends_on) or "-",
        f"{item.choice.reason} ({sure})",
    )
    return dict(zip(COLUMNS, texts, strict=True))


def _order_lines(plan: Plan) -> Iterator[str]:
    for number, wave in enumerate(waves(plan), start=1):
        yield f"wave {number}: {_named(wave, ', ')}"
    if path := critical_path(plan, efforts(plan)):
        yield f"critical path: {_named(path, ' -> ')}"


def _runner_of(item: WorkItem) -> str:
    return item.runner.kind if item.runner else "none"


def _runner_lines(plan: Plan) -> Iterator[str]:
    """Each runner with its reason, and the ways on for items that have none."""
    for (runner, reason), number in Counter((_runner_of(item), item.runner_reason) for item in plan.items).items():
        yield f"runner {runner} for {count(number, 'item')}: {reason}"
    if any(item.runner is None for item in plan.items):
        yield "to run this plan, write `runner:` into the agents' cards, name one with --runner, or use --rehearse"


def _uncertain_lines(plan: Plan) -> Iterator[str]:
    for item in plan.items:
        if item.choice.uncertain:
            yield f"uncertain: {item.id}; the best three are {', '.join(item.choice.candidates)}"


def _done_lines(plan: Plan) -> Iterator[str]:
    done = [requirement.id for requirement in plan.requirements if requirement.done]
    if done:
        yield f"done already: {_named(done, ', ')}"


def _named(names: Sequence[str], between: str) -> str:
    rest = f"{between}({len(names) - LONG} more)" if len(names) > LONG else ""
    return between.join(names[:LONG]) + rest
