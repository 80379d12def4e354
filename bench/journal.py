"""What does it cost that nothing is lost: an append, a run as it grows, a resume, the checkpoints."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.places import in_memory, on_disk
from bench.report import Chapter, Figure, figure, percentile

from prefect_swarm.core import events as on
from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.plan import WorkItem
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunStatus
from prefect_swarm.flows.executor import Surroundings, conduct, held
from prefect_swarm.journal.chain import START, Row, encode, seal
from prefect_swarm.journal.failpoint import fill
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.execution import Execution
from prefect_swarm.testing.engine import NoSlots
from prefect_swarm.testing.scenes import plan_of

RUN = RunId("bench")
APPENDS = 400
SIZES = {10: 20, 100: 5, 1_000: 2}
"""Items of a run, and how often it is run."""
LARGE, SMALL = 10_000, 10
"""The sizes whose ratio tells whether a run's cost grows faster than the run."""
ON_DISK = {10: 10, 100: 3, 1_000: 1}
"""The same on the disk, for which 10,000 items would wait minutes."""
RESUMES = 3


def chapters() -> Iterator[Chapter]:
    """Measure, and tell each chapter once it is done."""
    yield _append()
    runs = {size: [_run(size, in_memory) for _ in range(times)] for size, times in SIZES.items()}
    with in_memory() as folder:
        runs[LARGE] = [_conducted(LARGE, folder)]
        yield _growth(runs)
        yield _checkpoints(runs)
        yield _resume(folder)


# -- one append ----------------------------------------------------------------------------------------------------


def _append() -> Chapter:
    """Time appends and bare inserts of the same bytes in turns, so that both see the same disk."""
    with on_disk() as folder, closing(Journal.at(folder / "home")) as journal:
        journal.create(RUN, plan_of(1))
        epoch = journal.take_lease(RUN, period=3600.0)
        floor = _bare_insert(folder / "floor.db")
        event = on.AttemptProgressed(item=ItemId("REQ-001/rapid-builder"), attempt=1, fraction=0.5, message="x" * 80)
        ours, bare = list[float](), list[float]()
        for number in range(APPENDS):
            ours.append(_milliseconds(lambda: journal.append(RUN, [event], epoch=epoch)))
            row = Row(RUN, number, 1, time.time(), *encode(event), epoch, seal="")
            row = row._replace(seal=seal(START, row))
            bare.append(_milliseconds(lambda row=row: floor(row)))
    ratio = [mine / his for mine, his in zip(ours, bare, strict=True)]
    figures = (
        figure("append of one event", "ms", ours, f"p99 {percentile(ours, 0.99):.2f} ms"),
        figure("floor: the same bytes by bare sqlite3", "ms", bare, f"p99 {percentile(bare, 0.99):.2f} ms"),
        figure("ratio, pair by pair", "", ratio),
    )
    return Chapter("One append", "What is an acknowledged event in WAL mode with full sync, beside its floor?", figures)


def _bare_insert(path: Path) -> Callable[[Row], None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    columns = ", ".join(Row._fields)
    connection.execute(f"CREATE TABLE events ({columns}, PRIMARY KEY (run_id, seq))")
    marks = ", ".join("?" * len(Row._fields))

    def insert(row: Row) -> None:
        connection.execute(f"INSERT INTO events VALUES ({marks})", row)  # noqa: S608 - the marks are ours

    return insert


def _milliseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)


# -- a run as it grows ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of so many items cost."""

    items: int
    seconds: float
    processor: float
    """Seconds of the processor, which neighbours on the machine do not lengthen."""
    journal: int
    """Bytes of the journal's file."""
    snapshots: tuple[int, ...]
    """Bytes of each checkpoint file that was written."""
    tenths: tuple[float, float]
    """Seconds of the processor for the first and for the last tenth of the items."""


class InstantRuns:
    """Agents that take no time: each item is done in its five commits the moment it is begun."""

    def __init__(self, execution: Execution) -> None:
        """Begin with no item."""
        self._execution = execution
        self.moments: list[float] = []

    def begin(self, item: WorkItem, generation: int, *, delays: tuple[float, ...], ended: Callable[[], None]) -> None:  # noqa: ARG002 - the port's
        """Do the item."""
        record = self._execution.record
        attempt = self._execution.state.items[item.id].attempt + 1
        files = (on.FileChange(path=f"src/{item.requirement}.py", change="created", size=120, sha256="0" * 64),)
        evidence = on.Evidence(title="run: pytest -q", kind="run", passed=True, output="1 passed", seconds=0.4)
        record(on.AttemptStarted(item=item.id, attempt=attempt, folder="/state/runs/bench/0123456789abcdef/1"))
        record(on.AttemptReported(item=item.id, attempt=attempt, seconds=1.0, summary="done", files=files))
        record(on.CheckFinished(item=item.id, attempt=attempt, evidence=evidence))
        record(on.ItemVerified(item=item.id, attempt=attempt, seconds=1.0))
        self.moments.append(time.process_time())
        ended()

    def last_words(self, item: ItemId) -> str:
        """Nothing is left to say."""
        return str(item)

    def show(self, item: WorkItem, name: str, message: str) -> None:
        """Nobody looks here."""

    def wait(self, timeout: float) -> None:
        """Nothing is under way."""


def _run(items: int, place: Callable[[], AbstractContextManager[Path]]) -> Run:
    """Conduct a run of so many items, as an executor does, from its first event to its end."""
    with place() as folder:
        return _conducted(items, folder)


def _conducted(items: int, folder: Path) -> Run:
    plan = plan_of(items)
    settings = Settings(home=str(folder / "home"))
    around = Surroundings(settings, folder / "work", Control(), NoSlots(), flow_run_id="bench")
    snapshots = list[int]()
    written = folder / "work" / "checkpoints" / f"workflow_{RUN}.new"
    fill(lambda name: snapshots.append(written.stat().st_size) if name == "after_fsync" else None)
    with held(plan, RUN, around) as execution:
        runs = InstantRuns(execution)
        begun, worked = time.perf_counter(), time.process_time()
        state = conduct(execution, runs)
        seconds, processor = time.perf_counter() - begun, time.process_time() - worked
    fill(None)
    assert state.status is RunStatus.COMPLETED, state.status  # noqa: S101 - a figure of anything else would lie
    open_journal(settings).close()
    tenth = max(1, items // 10)
    tenths = runs.moments[tenth] - runs.moments[0], runs.moments[-1] - runs.moments[-1 - tenth]
    return Run(items, seconds, processor, _bytes_of(folder / "home"), tuple(snapshots), tenths)


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("journal.db*"))


def _growth(runs: dict[int, list[Run]]) -> Chapter:
    time_of = {size: [1000 * run.processor / size for run in trials] for size, trials in runs.items()}
    bytes_of = {size: [run.journal / size for run in trials] for size, trials in runs.items()}
    tenths = [run.tenths[1] / run.tenths[0] for run in runs[LARGE]]
    figures = (
        *(figure(f"{size:,} items: processor", "ms/item", values) for size, values in time_of.items()),
        _ratio(f"ratio {LARGE:,} : {SMALL}", time_of),
        figure(f"last tenth : first tenth of {LARGE:,}", "", tenths, "flat is 1"),
        *(figure(f"{size:,} items: journal", "bytes/item", values) for size, values in bytes_of.items()),
        _ratio(f"ratio {LARGE:,} : {SMALL}", bytes_of),
        *(_waited(size, [_run(size, on_disk) for _ in range(times)]) for size, times in ON_DISK.items()),
    )
    question = "What does a completed item cost, commits, fold, decisions, marks and checkpoint files together?"
    return Chapter("A run as it grows", question, figures)


def _waited(size: int, trials: list[Run]) -> Figure:
    return figure(f"{size:,} items: time on disk", "ms/item", [1000 * run.seconds / size for run in trials])


def _ratio(name: str, values: dict[int, list[float]]) -> Figure:
    below = median(values[SMALL])
    return figure(name, "", [one / below for one in values[LARGE]], "flat is at most 1")


def _checkpoints(runs: dict[int, list[Run]]) -> Chapter:
    figures = list[Figure]()
    for size in (1_000, LARGE):
        written = [float(sum(run.snapshots)) / size for run in runs[size]]
        files = f"{len(runs[size][0].snapshots)} files, the last of {runs[size][0].snapshots[-1]:,} bytes"
        figures.append(figure(f"{size:,} items", "bytes/item", written, files))
    return Chapter("Checkpoint files", "How many bytes of checkpoint files are written in a run?", tuple(figures))


# -- going on with a large run -------------------------------------------------------------------------------------


def _resume(folder: Path) -> Chapter:
    plans, states, processor, records = list[float](), list[float](), list[float](), 0
    for _ in range(RESUMES):
        with closing(Journal.at(folder / "home")) as journal:
            begun, worked = time.perf_counter(), time.process_time()
            plan = journal.plan(RUN)
            read = time.perf_counter()
            journal.state(RUN, plan)
            plans.append(read - begun)
            states.append(time.perf_counter() - read)
            processor.append(time.process_time() - worked)
            records = journal.last(RUN)[0]
    both = [sum(pair) for pair in zip(plans, states, strict=True)]
    figures = (
        figure("plan", "s", plans),
        figure("state", "s", states, f"of {records:,} records"),
        figure("together", "s", both, "aim: at most 1"),
        figure("together: processor", "s", processor),
    )
    return Chapter(
        f"Resuming {LARGE:,} finished items", "How long does it take to know where a large run stands?", figures
    )
