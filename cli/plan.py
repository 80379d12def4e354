"""`swarm plan`: who would do what, in which order, and why; nothing is started, and Prefect is not needed."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from prefect_swarm.agents.preflight import missing_space, missing_tools
from prefect_swarm.agents.prices import prices_of
from prefect_swarm.cli.dot import dot_of
from prefect_swarm.cli.mermaid import mermaid_of
from prefect_swarm.cli.output import Output, visible
from prefect_swarm.cli.planning import add_plan_options, plan_from, settings_of
from prefect_swarm.core.document import count, shorten
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.estimate import Estimate, estimate
from prefect_swarm.core.graph import critical_path, efforts, waves
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.roster import Rights
from prefect_swarm.core.settings import Settings

FORMATS = ("table", "json", "mermaid", "dot")
MANY = 200
"""Items above which the table shows the uncertain ones only."""
SUGGESTED = 20
"""Suggestions that are shown."""
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
    settings = settings_of(arguments)
    plan = plan_from(arguments, settings)
    missing = (*missing_tools(plan), *missing_space(Path()))
    match "json" if arguments.json else arguments.format:
        case "json":
            output.document(document_of(plan, settings, missing))
        case "mermaid":
            output.show(mermaid_of(plan))
        case "dot":
            output.show(dot_of(plan))
        case _:
            show_plan(plan, output, settings=settings, missing=missing, everything=arguments.all)
    uncertain = any(item.choice.uncertain for item in plan.items)
    return RequirementError.exit_code if arguments.strict and uncertain else 0


def document_of(plan: Plan, settings: Settings, missing: tuple[str, ...]) -> JsonValue:
    """The plan as JSON, with what follows from it."""
    derived: dict[str, JsonValue] = {
        "digest": plan.digest,
        "waves": [list(wave) for wave in waves(plan)],
        "critical_path": list(critical_path(plan, efforts(plan))),
        "estimate": estimate_of(plan, settings).model_dump(mode="json"),
        "missing": list(missing),
        "uncertain": [item.id for item in plan.items if item.choice.uncertain],
    }
    return plan.model_dump(mode="json") | derived


def estimate_of(plan: Plan, settings: Settings) -> Estimate:
    """What the plan will take, by stated assumptions."""
    return estimate(plan, prices_of(plan), slots=settings.max_parallel, rehearsal_seconds=settings.rehearsal_seconds)


def show_plan(plan: Plan, output: Output, *, settings: Settings, missing: tuple[str, ...], everything: bool) -> None:
    """Print the plan for a person: the items, then what follows from them, then what to look at."""
    output.show(headline(plan))
    shown = tuple(item for item in plan.items if everything or len(plan.items) <= MANY or item.choice.uncertain)
    if shown:
        _show_table(shown, output)
    for lines in (_order_lines, _runner_lines, _uncertain_lines, _suggestion_lines, _done_lines):
        for line in lines(plan):
            output.show(line)
    for line in _estimate_lines(estimate_of(plan, settings)):
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


def _suggestion_lines(plan: Plan) -> Iterator[str]:
    for one in plan.suggestions[:SUGGESTED]:
        how = "taken" if one.taken else "--infer-dependencies takes it"
        yield f"suggestion: {one.requirement} waits for {one.depends_on} ({shorten(one.words)!r}); {how}"
    if len(plan.suggestions) > SUGGESTED:
        yield f"and {len(plan.suggestions) - SUGGESTED} more suggestions; --format json has them all"


def _estimate_lines(found: Estimate) -> Iterator[str]:
    yield f"time: {_span(found.seconds.low)} to {_span(found.seconds.high)}; {found.assumptions}"
    unpriced = f"no price is known for {count(found.unpriced, 'item')}; name a model in the agents' cards"
    costs = [f"{found.usd.low:.2f} to {found.usd.high:.2f} USD"] if found.usd else []
    if told := costs + [unpriced] * bool(found.unpriced):
        yield f"cost: {', '.join(told)}"


def _span(seconds: float) -> str:
    """A time in the unit that a person would say it in."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _done_lines(plan: Plan) -> Iterator[str]:
    done = [requirement.id for requirement in plan.requirements if requirement.done]
    if done:
        yield f"done already: {_named(done, ', ')}"


def _named(names: Sequence[str], between: str) -> str:
    rest = f"{between}({len(names) - LONG} more)" if len(names) > LONG else ""
    return between.join(names[:LONG]) + rest
