"""What went wrong in a run, told from outside: by the agents' own ledger, the journal, and the processes left.

Ledger and journal are held against each other by the numbers of attempts and by the order of their lines, never by
clocks. Nothing here trusts the reducer, which is part of what is judged.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prefect_swarm.core import events as on
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan
from prefect_swarm.testing.fakeagent import Line

Attempt = tuple[str, int]
"""An item and the number of the attempt."""


@dataclass(frozen=True, slots=True)
class History:
    """All that is known of a run that is over."""

    plan: Plan
    ledger: tuple[Line, ...]
    """What the agents wrote down themselves, in that order."""
    records: tuple[Record, ...]
    kills: int = 0
    """How often an executor was killed or broke off: each may have interrupted every item once."""
    stops: int = 0
    """How often one was stopped, replaced and let go on: its agents work on beside the others until it notices."""
    acknowledged: tuple[tuple[int, str], ...] = ()
    """Number and type of each record of which an executor was told that it is durable."""
    living: tuple[int, ...] = ()
    """Processes of agents that are left."""

    def starts(self) -> Iterator[Attempt]:
        """The attempts whose agents began, in that order."""
        return ((line.item, line.attempt) for line in self.ledger if line.what == "start")


def violations(history: History) -> tuple[str, ...]:
    """Everything that must not happen and did; nothing where the run kept what is promised."""
    return tuple(found for rule in RULES for found in rule(history))


def _gaps(history: History) -> Iterator[str]:
    numbers = [record.seq for record in history.records]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"the records are not numbered from 1 without gaps: {numbers}"


def _lost(history: History) -> Iterator[str]:
    written = {(record.seq, record.event.type) for record in history.records}
    for number, kind in sorted(set(history.acknowledged) - written):
        yield f"record {number} ({kind}) was acknowledged and is lost"


def _committed_twice(history: History) -> Iterator[str]:
    committed = set[ItemId]()
    for record in history.records:
        match record.event:
            case on.ItemVerified(item=item):
                if item in committed:
                    yield f"{item} is committed again by record {record.seq}"
                committed.add(item)
            case on.RunRewound(reopened=reopened):
                committed -= set(reopened)
            case _:
                pass


def _started_after_commit(history: History) -> Iterator[str]:
    committed = set[ItemId]()
    for record in history.records:
        match record.event:
            case on.ItemVerified(item=item):
                committed.add(item)
            case on.RunRewound(reopened=reopened):
                committed -= set(reopened)
            case on.AttemptStarted(item=item) if item in committed:
                yield f"{item} is started by record {record.seq}, after its commit"
            case _:
                pass


def _unknown_or_doubled(history: History) -> Iterator[str]:
    """No agent works without its attempt being written down, and none works twice in the same attempt."""
    known = _executors(history)
    for (item, attempt), count in Counter(history.starts()).items():
        if (item, attempt) not in known:
            yield f"attempt {attempt} of {item} is in the ledger and not in the journal"
        if count > 1:
            yield f"attempt {attempt} of {item} was worked on {count} times"


def _committed_unfinished(history: History) -> Iterator[str]:
    ended = {(line.item, line.attempt) for line in history.ledger if line.what == "end"}
    for record in history.records:
        event = record.event
        if not isinstance(event, on.ItemVerified) or event.reused is not None:
            continue  # nobody worked on what was taken over from another run
        if (event.item, event.attempt) not in ended:
            yield f"attempt {event.attempt} of {event.item} is committed, and its agent never came to its end"


def _started_too_often(history: History) -> Iterator[str]:
    again = Counter[ItemId]()
    for record in history.records:
        match record.event:
            case on.InterventionDecided(item=item, action="retry"):
                again[item] += 1
            case on.RunResumed(retry_failed=True):
                again.update(history.plan.item_by_id.keys())
            case on.RunRewound(reopened=reopened):
                again.update(reopened)
            case _:
                pass
    starts = Counter(item for item, _ in history.starts())
    for item in history.plan.items:
        allowed = (1 + item.retries) * (1 + again[item.id]) + history.kills + history.stops
        if starts[item.id] > allowed:
            yield f"{item.id} was started {starts[item.id]} times, {allowed} are allowed"


def _started_too_early(history: History) -> Iterator[str]:
    """What an item waits for was committed before it, and its agents had ended."""
    committed, ended = set[str](), set[str]()
    for record in history.records:
        match record.event:
            case on.ItemVerified(item=item):
                committed.add(item)
            case on.AttemptStarted(item=item):
                missing = set(history.plan.item_by_id[item].depends_on) - committed
                if missing:
                    yield f"{item} is started by record {record.seq}, before {sorted(missing)} are committed"
            case _:
                pass
    for line in history.ledger:
        missing = set(history.plan.item_by_id[ItemId(line.item)].depends_on) - ended
        if line.what == "start" and missing:
            yield f"attempt {line.attempt} of {line.item} began before the agents of {sorted(missing)} had ended"
        if line.what == "end":
            ended.add(line.item)


def _too_many_at_once(history: History) -> Iterator[str]:
    """The agents of one executor are never more than its slots."""
    slots, executors = _slots(history), _executors(history)
    working = Counter[int]()
    for line in history.ledger:
        executor = executors.get((line.item, line.attempt), 0)
        working[executor] += 1 if line.what == "start" else -1
        if working[executor] > slots.get(executor, 0):
            yield f"executor {executor} has {working[executor]} agents at work as {line.item} begins"


def _left_at_work(history: History) -> Iterator[str]:
    """When an executor has its first agent at work, those of the executors before it are dead."""
    executors = _executors(history)
    newest = 0
    for line in history.ledger if not history.stops else ():
        executor = executors.get((line.item, line.attempt), 0)
        if line.what == "start":
            newest = max(newest, executor)
        if executor < newest:
            yield f"{line.what} of {line.item} by executor {executor}, although executor {newest} is at work"


def _alive(history: History) -> Iterator[str]:
    for pid in history.living:
        yield f"process {pid} of an agent is left"


def _executors(history: History) -> dict[Attempt, int]:
    """Say of each attempt which executor began it, counted from 1 in the order in which they took the run."""
    found, executor = dict[Attempt, int](), 0
    for record in history.records:
        if isinstance(record.event, on.RunStarted | on.RunResumed):
            executor += 1
        if isinstance(record.event, on.AttemptStarted):
            found[record.event.item, record.event.attempt] = executor
    return found


def _slots(history: History) -> dict[int, int]:
    found, slots = dict[int, int](), 0
    opened = (record.event for record in history.records if isinstance(record.event, on.RunStarted | on.RunResumed))
    for number, event in enumerate(opened, 1):
        slots = event.max_parallel or slots
        found[number] = slots
    return found


RULES: tuple[Callable[[History], Iterator[str]], ...] = (
    _gaps,
    _lost,
    _committed_twice,
    _started_after_commit,
    _unknown_or_doubled,
    _committed_unfinished,
    _started_too_often,
    _started_too_early,
    _too_many_at_once,
    _left_at_work,
    _alive,
)
