"""What part of a run's time is ours, beside a run whose journal costs nothing?"""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.places import in_memory, on_disk
from bench.report import Chapter, figure

from prefect_swarm.core.events import Event, Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.engine import run_plan
from prefect_swarm.testing.plans import Part, plan_of

ITEMS, AT_ONCE, TRIALS = 30, 3, 3
SECONDS = 1.0
"""What each agent takes."""
IDEAL = ITEMS * SECONDS / AT_ONCE


def chapters() -> Iterator[Chapter]:
    """Run the same plan with the journal on disk and in memory, in turns."""
    disk, memory, waited = list[float](), list[float](), list[float]()
    for _ in range(TRIALS):
        with on_disk() as folder:
            waits = _timed_appends(folder)
            disk.append(_run(folder, folder / "work"))
            waited.append(100 * sum(waits) / (AT_ONCE * disk[-1]))
        with in_memory() as folder, on_disk() as work:
            memory.append(_run(folder, work))
    cost = [100 * (mine - floor) / floor for mine, floor in zip(disk, memory, strict=True)]
    figures = (
        figure("journal on disk", "s", disk),
        figure("floor: journal in memory", "s", memory),
        figure("what the journal costs", "%", cost, "aim: at most 1; a busy machine blurs it by more than that"),
        figure("attempts waiting for the journal", "%", waited, "of the time of all slots"),
        figure("agents alone", "s", [IDEAL], "all the rest is starting, watching and checking them"),
    )
    question = f"{ITEMS} agents that take {SECONDS:g} s each, {AT_ONCE} at once, the real conductor without Prefect."
    yield Chapter("Overhead of a run", question, figures)


def _timed_appends(home: Path) -> list[float]:
    """Note how long each append of an attempt to the journal of this state folder takes, in seconds."""
    journal = open_journal(Settings(home=str(home)))
    append, waits = journal.append, list[float]()

    def timed(
        run_id: RunId, events: Sequence[Event], *, epoch: int = 0, plan: Plan | None = None
    ) -> tuple[Record, ...]:
        begun = time.perf_counter()
        records = append(run_id, events, epoch=epoch, plan=plan)
        if threading.current_thread() is not threading.main_thread():  # where the conductor is
            waits.append(time.perf_counter() - begun)
        return records

    journal.append = timed
    return waits


def _run(home: Path, work: Path) -> float:
    parts = (Part(f"P{number}", argv=("sleep", str(SECONDS)), acceptance=()) for number in range(ITEMS))
    settings = Settings(home=str(home), max_parallel=AT_ONCE)
    begun = time.perf_counter()
    state = run_plan(plan_of(*parts), RunId("bench"), settings=settings, output=work)
    seconds = time.perf_counter() - begun
    assert state.status is RunStatus.COMPLETED, state.reason  # noqa: S101 - a figure of anything else would lie
    open_journal(settings).close()
    return seconds
