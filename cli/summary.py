"""What is said when a run is over: how it ended, what became of each requirement, where things lie, what to do next."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from prefect_swarm.cli.render import RUN_STYLES, SIGNS, clean, percent
from prefect_swarm.core.state import ItemStatus, RunStatus
from prefect_swarm.core.view import RequirementView, RunView

TAIL_LINES = 6
"""Lines that are shown of what a failed item printed."""


def summary(view: RunView) -> RenderableType:
    """Say how a run stands or ended; the renderable fits any width."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "requirement", "status", "proved", "reason"):
        table.add_column(name, overflow="fold")
    for one in view.requirements:
        table.add_row(*_row(one))
    return Group(_outcome(view), Text(), table, Text(), *_failures(view), *_hints(view))


def _outcome(view: RunView) -> Text:
    progress = view.progress
    line = Text()
    if view.rehearsal:
        line.append(" REHEARSAL ", "black on yellow").append(" ")
    line.append(clean(view.project), "bold").append("  ")
    line.append(progress.status.replace("_", " "), RUN_STYLES.get(progress.status, "yellow"))
    line.append(f"  {percent(progress.percent)}, {progress.proved} of {progress.criteria} criteria proved")
    return line.append(f"\n{clean(progress.reason)}") if progress.reason else line


def _row(one: RequirementView) -> tuple[Text, ...]:
    sign, style = SIGNS[one.status]
    proved = sum(criterion.status == "proved" for criterion in one.criteria)
    told = f"{proved} of {len(one.criteria)}" if one.criteria else "-"
    name = Text.assemble((one.id, "bold"), " ", clean(one.title))
    return Text(sign, style), name, Text(one.status.replace("_", " "), style), Text(told), Text(clean(one.reason))


def _failures(view: RunView) -> list[Text]:
    """What is known of each failed item: what it was, what was seen, what to do; the last lines are enough here."""
    lines: list[Text] = []
    for item in view.items:
        if item.status is ItemStatus.FAILED:
            lines.append(
                Text.assemble((item.id, "bold"), f" failed after {item.attempt} attempts: {clean(item.reason)}")
            )
            seen = [one.output for one in item.evidence if not one.passed] or [item.output]
            lines += [Text(f"  | {clean(line)}", "dim") for line in "\n".join(seen).strip().splitlines()[-TAIL_LINES:]]
            lines.append(Text(f"  log: {item.folder}/agent.log\n  to do: {clean(item.remedy)}\n"))
    return lines


def _hints(view: RunView) -> list[Text]:
    lines = [Text(f"files   {view.output}")] if view.output else []
    lines.append(Text(f"look    swarm status {view.run_id}"))
    if view.progress.status is not RunStatus.COMPLETED:
        lines.append(Text(f"go on   swarm resume {view.run_id}"))
    return lines
