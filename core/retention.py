"""Which runs may go and which stay, and why, by age and by number."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.state import RunState, RunStatus

HOUR, DAY, WEEK = 3_600.0, 86_400.0, 604_800.0
_AGE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([hdw])")
_UNITS = {"h": HOUR, "d": DAY, "w": WEEK}
_WAITING = {RunStatus.PAUSED, RunStatus.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a run must be to go: older than so many seconds, and beyond the newest so many; None: whatever it is."""

    older_than: float | None
    keep: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run goes, and why."""

    run_id: RunId
    goes: bool
    why: str


def age_from(text: str) -> float:
    """Read an age such as `12h`, `30d` or `2w`, in seconds. Raises UsageError."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no age: say hours, days or weeks, as in 12h, 30d, 2w")
    return float(found[1]) * _UNITS[found[2]]


def age_told(seconds: float) -> str:
    """Say an age as briefly as a person would."""
    return f"{seconds / DAY:.0f} days" if seconds >= 2 * DAY else f"{max(0.0, seconds) / HOUR:.0f} hours"


def spared(ages: Sequence[tuple[RunId, float]], rule: Rule) -> Iterator[Verdict]:
    """Judge runs, the newest first, each with the seconds since it was last heard of, by the rule alone."""
    for place, (run_id, age) in enumerate(ages):
        if rule.keep is not None and place < rule.keep:
            yield Verdict(run_id, goes=False, why=f"is one of the {rule.keep} newest")
        elif rule.older_than is not None and age <= rule.older_than:
            yield Verdict(run_id, goes=False, why=f"was at work {age_told(age)} ago")
        else:
            yield Verdict(run_id, goes=True, why=f"was last at work {age_told(age)} ago")


def waits_for_a_person(state: RunState) -> bool:
    """Whether a run stands still until somebody answers or lets it go on."""
    return bool(state.questions) or state.status in _WAITING
