"""What `swarm resume --dry-run` shows: what would become of each item, and why."""

from collections import Counter

from pydantic import JsonValue
from rich import box
from rich.table import Table
from rich.text import Text

from prefect_swarm.cli.output import Output
from prefect_swarm.cli.render import clean
from prefect_swarm.cli.ways import Crossing
from prefect_swarm.core.outlook import Fate, Line, Outlook
from prefect_swarm.journal.history import read_history

STYLES = {Fate.KEPT: "green", Fate.RUNS: "cyan", Fate.NEW: "cyan", Fate.STAYS: "yellow", Fate.GONE: "dim"}


def show_forecast(crossing: Crossing, output: Output) -> None:
    """Show what would run; nothing is changed. Raises UsageError, RequirementError as the resume itself would."""
    history = read_history(crossing.journal, crossing.run_id)
    turn = crossing.fork(history, crossing.run_id) if crossing.way.fork else crossing.decide(history)
    lines = Outlook(turn, crossing.pasts(history)[0], history.marks).lines()
    if output.json_only:
        items: list[JsonValue] = [line.model_dump(mode="json") for line in lines]
        output.document({"run_id": crossing.run_id, "plan": turn.plan.digest, "items": items})
        return
    output.show(_table(lines))
    counts = Counter(line.fate for line in lines)
    output.show(", ".join(f"{counts[fate]} {fate}" for fate in Fate if counts[fate]) + "; nothing was changed")


def _table(lines: tuple[Line, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 2, 0, 0))
    for column in ("item", "fate", "why"):
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(Text(clean(line.item)), Text(line.fate, STYLES[line.fate]), Text(clean(line.why)))
    return table
