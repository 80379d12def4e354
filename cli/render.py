"""How a run looks on a terminal: one screen that is redrawn, and plain lines where there is no screen."""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import floor

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from prefect_swarm.core.progress import Eta
from prefect_swarm.core.state import ItemStatus, RequirementStatus, RunStatus
from prefect_swarm.core.view import ItemView, RequirementView, RunView
from prefect_swarm.streamer.protocol import Envelope

SETTLED = frozenset({RequirementStatus.COMPLETED, RequirementStatus.SKIPPED})
AT_WORK = frozenset({ItemStatus.RUNNING, ItemStatus.REPORTED})
SIGNS = {
    "completed": ("✓", "green"),
    "in_progress": ("●", "cyan"),
    "pending": ("·", "dim"),
    "failed": ("✗", "red"),
    "blocked": ("■", "yellow"),
    "skipped": ("↷", "dim"),
}
RUN_STYLES = {
    RunStatus.RUNNING: "cyan",
    RunStatus.COMPLETED: "green",
    RunStatus.FAILED: "red",
    RunStatus.ABORTED: "red",
}
BAR = 16
FIXED_LINES = 4
"""Lines for the header, the blank line below it and the margin."""


def screen(view: RunView, now: float, *, height: int, alive: bool = True) -> RenderableType:
    """Show a run as of `now` on a screen of so many lines; finished requirements give way where it is too low."""
    below = [*_at_work(view, now), *_waiting(view, now), *_questions(view), *_errors(view)]
    room = max(3, height - FIXED_LINES)
    below = below[: max(0, room - 3)]
    return Group(_header(view, alive=alive), Text(), _bars(view.requirements, room - len(below)), *below)


def plain_line(event: Envelope) -> str:
    """Tell an event in one line of plain text."""
    moment = datetime.fromtimestamp(event.at, UTC).astimezone().strftime("%H:%M:%S")
    words = [event.type.replace("_", " "), *_told(event)]
    return f"{moment} {clean(' · '.join(words))}"


def clean(text: str) -> str:
    """Take out what would steer the terminal: control characters, line ends included."""
    return "".join(one if one.isprintable() else " " for one in text)


def percent(value: float) -> str:
    """Say a percentage without ever rounding up to what is not reached."""
    return f"{floor(value + 1e-6)}%"


def duration(seconds: float) -> str:
    """Say a duration as briefly as a person would: 12 s, 3 min, 1 h 05 min."""
    if seconds < 90:  # noqa: PLR2004 - below this seconds are what one counts in
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"  # noqa: PLR2004 - minutes of an hour


def eta_range(eta: Eta | None) -> str:
    """Say how long it will take, as a range; empty where nothing is known."""
    if eta is None:
        return ""
    low, high = duration(eta.low), duration(eta.high)
    return f"{low} left" if low == high else f"{low} to {high} left"


# -- parts of the screen -------------------------------------------------------------------------------------


def _header(view: RunView, *, alive: bool) -> Text:
    status = view.progress.status
    told, style = status.value.replace("_", " "), RUN_STYLES.get(status, "yellow")
    if not alive and status in {RunStatus.RUNNING, RunStatus.PAUSED}:
        told, style = "interrupted", "yellow"
    line = Text(no_wrap=True, overflow="ellipsis")
    if view.rehearsal:
        line.append(" REHEARSAL ", "black on yellow").append(" ")
    line.append(clean(view.project), "bold").append(f"  {view.run_id}", "dim")
    line.append(f"  {told}", style).append(f"  {percent(view.progress.percent)}", "bold")
    line.append(f"  {eta_range(view.progress.eta)}", "dim")
    if told == "interrupted":
        line.append(f"  go on with: swarm resume {view.run_id}", "yellow")
    return line


def _bars(requirements: tuple[RequirementView, ...], room: int) -> RenderableType:
    shown = _that_fit(requirements, room)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=3)
    table.add_column(width=BAR)
    table.add_column(justify="right", no_wrap=True)
    reasons = any(one.reason for one in shown)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=5 if reasons else None, style="dim")
    table.expand = True
    for one in shown:
        table.add_row(*_bar(one))
    left = len(requirements) - len(shown)
    return Group(table, Text(f"  and {left} more: {_counted(requirements)}", "dim")) if left else table


def _that_fit(requirements: tuple[RequirementView, ...], room: int) -> list[RequirementView]:
    """Choose so many of them: what is in work, what went wrong, what waits, what is done; given in file order."""
    if len(requirements) <= room:
        return list(requirements)
    order = ("in_progress", "failed", "blocked", "pending", "skipped", "completed")
    ranked = sorted(requirements, key=lambda one: order.index(one.status))[: max(1, room - 1)]
    chosen = {one.id for one in ranked}
    return [one for one in requirements if one.id in chosen]


def _bar(one: RequirementView) -> tuple[RenderableType, ...]:
    sign, style = SIGNS[one.status]
    bar = ProgressBar(total=100, completed=one.percent, width=BAR, complete_style=style, finished_style=style)
    about = one.reason or ("" if one.status is not RequirementStatus.COMPLETED else _proved(one))
    return (
        Text(sign, style),
        Text(one.id),
        Text(clean(one.title)),
        bar,
        Text(f"{percent(one.percent)}"),
        Text(clean(about)),
    )


def _proved(one: RequirementView) -> str:
    proved = sum(criterion.status == "proved" for criterion in one.criteria)
    return f"{proved} of {len(one.criteria)} proved" if one.criteria else ""


def _counted(requirements: tuple[RequirementView, ...]) -> str:
    counts = {status: sum(one.status is status for one in requirements) for status in RequirementStatus}
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items() if count)


def _line(mark: str, style: str, text: str) -> Text:
    return Text.assemble((f"{mark} ", style), clean(text), no_wrap=True, overflow="ellipsis")


def _at_work(view: RunView, now: float) -> Iterable[Text]:
    for item in view.items:
        if item.status in AT_WORK:
            said = "checks are running" if item.status is ItemStatus.REPORTED else item.message
            yield _line("▸", "cyan", f"{item.id}  {duration(now - (item.started or now))}  {said}")


def _waiting(view: RunView, now: float) -> Iterable[Text]:
    for item in view.items:
        if item.due is not None and item.status in {ItemStatus.RETRY_WAITING, ItemStatus.RATE_LIMITED}:
            yield _line("↻", "yellow", f"{item.id}  next try in {duration(item.due - now)}: {_why(item)}")


def _questions(view: RunView) -> Iterable[Text]:
    for one in view.progress.questions:
        yield _line("?", "bold yellow", f"{one.reason}: {', '.join(one.items)}")


def _errors(view: RunView) -> Iterable[Text]:
    for one in view.progress.errors[-2:]:
        yield _line("!", "red", f"{one.where}: {one.message}")


def _why(item: ItemView) -> str:
    return item.reason or (item.failure or "")


def _told(event: Envelope) -> Iterable[str]:
    for name in ("item", "outcome", "status", "attempt", "message", "reason", "summary", "where", "failure"):
        found = event.data.get(name)
        if found not in (None, "", 0):
            yield f"attempt {found}" if name == "attempt" else str(found)
    fraction = event.data.get("fraction")
    if isinstance(fraction, int | float):
        yield f"{100 * fraction:.0f}%"
    reused = event.data.get("reused")
    if isinstance(reused, dict):
        yield f"taken over from run {reused['run_id']}"
    evidence = event.data.get("evidence")
    if isinstance(evidence, dict):
        yield f"{evidence['title']} {'passed' if evidence['passed'] else 'failed'}"
