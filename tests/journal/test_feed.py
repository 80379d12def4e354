"""Who is told, in this process, that something was committed."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from tests.journal.conftest import RUN

from prefect_swarm.core.errors import Fenced
from prefect_swarm.core.events import ErrorOccurred, Record
from prefect_swarm.journal.store import Journal


def event(message: str) -> ErrorOccurred:
    """Give an event with a message."""
    return ErrorOccurred(where="test", message=message)


def test_listeners_hear_what_was_committed(journal: Journal) -> None:
    """Every listener is given the records of each commit, as they can then be read."""
    heard, other = list[tuple[Record, ...]](), list[tuple[Record, ...]]()
    journal.feed.subscribe(heard.append)
    journal.feed.subscribe(other.append)

    first = journal.append(RUN, [event("a"), event("b")])
    second = journal.append(RUN, [event("c")])

    assert heard == other == [first, second]
    assert journal.records(RUN) == first + second


def test_a_commit_can_be_read_when_it_is_heard_of(journal: Journal) -> None:
    """Nobody is told of something that might still be taken back."""
    readable = list[bool]()
    journal.feed.subscribe(lambda records: readable.append(journal.records(RUN)[-1] == records[-1]))

    journal.append(RUN, [event("a")])

    assert readable == [True]


def test_listeners_hear_in_order_whoever_writes(
    journal: Journal, failpoints: Callable[[Callable[[str], None]], None]
) -> None:
    """With six threads writing, a listener hears 1, 2, 3, ... without gaps."""
    heard, chance = list[int](), Random(6)  # noqa: S311 - no secret
    journal.feed.subscribe(lambda records: heard.extend(record.seq for record in records))
    failpoints(lambda name: time.sleep(chance.uniform(0, 0.002)) if name == "after_commit" else None)

    def write(number: int) -> None:
        journal.append(RUN, [event(str(number))] * (1 + number % 3))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(60)))

    assert heard == list(range(1, 121))


def test_nobody_hears_of_what_was_refused(journal: Journal) -> None:
    """A fenced executor's events are told to nobody."""
    heard = list[tuple[Record, ...]]()
    journal.feed.subscribe(heard.append)
    old = journal.take_lease(RUN, period=60.0)
    journal.release_lease(RUN, old)
    journal.take_lease(RUN, period=60.0)

    with pytest.raises(Fenced):
        journal.append(RUN, [event("a")], epoch=old)

    assert heard == []


def test_a_listener_that_has_left_hears_nothing_more(journal: Journal) -> None:
    """Leaving concerns the one who leaves, and may be done twice."""
    heard, other = list[tuple[Record, ...]](), list[tuple[Record, ...]]()
    leave = journal.feed.subscribe(heard.append)
    journal.feed.subscribe(other.append)
    journal.append(RUN, [event("a")])

    leave()
    leave()
    journal.append(RUN, [event("b")])

    assert (len(heard), len(other)) == (1, 2)
