"""Who may work now: so many at once, the most urgent first."""

import threading
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import pytest

from prefect_swarm.core.graph import Rank
from prefect_swarm.core.ids import ItemId
from prefect_swarm.tasks.gate import Closed, Gate
from prefect_swarm.testing.waiting import wait_for


def ranks(count: int) -> dict[ItemId, Rank]:
    """Rank so many items, the first the most urgent."""
    return {ItemId(str(n)): (n, 0.0, n) for n in range(count)}


class Crowd:
    """Items that go through a gate, each in a thread of its own, and stay inside until they are let out."""

    def __init__(self, slots: int, places: Mapping[ItemId, Rank]) -> None:
        """Put up a gate."""
        self.gate = Gate(slots, places)
        self.entered: list[str] = []
        self.turned_away: list[str] = []
        self._leave: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def come(self, *names: str) -> None:
        """Have items come to the gate, and wait until each stands there or is inside."""
        for name in names:
            self._leave[name] = threading.Event()
            thread = threading.Thread(target=self._go, args=(name,))
            self._threads.append(thread)
            thread.start()
            wait_for(lambda name=name: self._known(name), what=f"{name} at the gate")

    def leave(self, *names: str) -> None:
        """Let items out."""
        for name in names:
            self._leave[name].set()

    def inside(self, *names: str) -> bool:
        """Wait until these, and only these, have entered so far, in this order."""
        return (
            wait_for(lambda: tuple(self.entered), lambda seen: seen == names, what=f"{names} inside", timeout=5)
            == names
        )

    def disperse(self) -> None:
        """Let everybody out and wait until all are gone."""
        self.gate.close()
        self.leave(*self._leave)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _go(self, name: str) -> None:
        try:
            with self.gate.enter(ItemId(name)):
                self.entered.append(name)
                self._leave[name].wait(20)
        except Closed:
            self.turned_away.append(name)

    def _known(self, name: str) -> bool:
        return name in self.entered or name in self.turned_away or ItemId(name) in self.gate.waiting


@contextmanager
def crowd(slots: int, count: int = 10) -> Generator[Crowd]:
    """Put up a gate, and leave nobody behind."""
    people = Crowd(slots, ranks(count))
    try:
        yield people
    finally:
        people.disperse()


@pytest.mark.parametrize("slots", [1, 2, 4, 8])
def test_never_more_than_the_slots_are_inside(slots: int) -> None:
    """Forty threads use all slots, and never one more."""
    gate, lock, inside, seen = Gate(slots, ranks(40)), threading.Lock(), set[ItemId](), list[int]()
    together = threading.Barrier(40)

    def go(item: ItemId, stay: float) -> None:
        together.wait()
        with gate.enter(item):
            with lock:
                inside.add(item)
                seen.append(len(inside))
            time.sleep(stay)  # so that others are inside at the same time
            with lock:
                inside.discard(item)

    chance = Random(slots)  # noqa: S311 - no secret
    threads = [threading.Thread(target=go, args=(item, chance.uniform(0.001, 0.02))) for item in ranks(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(seen) == 40
    assert max(seen) == slots


def test_a_free_slot_is_taken_at_once() -> None:
    """Who comes first enters, whatever its rank, as long as there is room."""
    with crowd(2) as people:
        people.come("9")
        people.come("8")

        assert people.inside("9", "8")


def test_a_freed_slot_goes_to_the_most_urgent() -> None:
    """Those who wait enter in the order of their ranks, not in that of their coming."""
    with crowd(1) as people:
        people.come("9")
        people.inside("9")
        people.come("5", "1", "7", "3")

        for name in ("9", "1", "3", "5"):
            people.leave(name)

        assert people.inside("9", "1", "3", "5", "7")


def test_two_who_wait_enter_when_two_slots_are_free() -> None:
    """Admitting one wakes the next in order, so that no slot stays empty beside somebody who waits."""
    with crowd(2) as people:
        people.come("8", "9")
        people.inside("8", "9")
        people.come("2", "1")

        people.leave("8", "9")
        wait_for(lambda: set(people.entered), lambda seen: {"1", "2"} <= seen, what="both inside", timeout=5)

        assert people.gate.waiting == set()


def test_no_slot_stays_empty_beside_one_who_waits() -> None:
    """Whoever of two is woken first when two slots are freed at once, both enter; a hundred times over."""
    for _ in range(100):
        with crowd(2) as people:
            people.come("8", "9")
            people.inside("8", "9")
            people.come("2", "1")
            people.leave("8", "9")
            wait_for(lambda people=people: people.gate.waiting, lambda seen: not seen, what="nobody waiting", timeout=5)


def test_one_who_fails_inside_frees_its_slot() -> None:
    """An error does not take a slot along."""
    gate = Gate(1, ranks(2))

    with pytest.raises(ZeroDivisionError), gate.enter(ItemId("0")):
        raise ZeroDivisionError

    with gate.enter(ItemId("1")):
        assert gate.inside == {ItemId("1")}
    assert gate.inside == set()


def test_closing_sends_away_who_waits_and_leaves_who_is_inside() -> None:
    """Nobody is admitted any more, not even into a slot that becomes free; what is at work is finished."""
    with crowd(1) as people:
        people.come("5")
        people.inside("5")
        people.come("1", "2")

        people.gate.close()
        wait_for(lambda: sorted(people.turned_away), lambda seen: seen == ["1", "2"], what="both sent away")
        people.come("3")

        assert people.entered == ["5"]
        assert people.gate.inside == {ItemId("5")}
        people.leave("5")
        wait_for(lambda: people.gate.inside, lambda seen: not seen, what="an empty room")
        people.come("4")
        assert people.entered == ["5"]


def test_a_closed_gate_says_what_happens_to_the_item() -> None:
    """Who is turned away learns that it waits for the run to be resumed."""
    gate = Gate(1, ranks(1))
    gate.close()

    with pytest.raises(Closed, match="0 waits until the run is resumed"), gate.enter(ItemId("0")):
        pass


def test_a_draining_run_admits_nobody_even_before_the_gate_is_closed() -> None:
    """A slot that becomes free after the run began to drain is given to nobody."""
    draining = threading.Event()
    first, second = ranks(2)
    gate = Gate(1, ranks(2), draining=draining.is_set)

    def enter() -> None:
        with gate.enter(second):
            pass

    with ThreadPoolExecutor(1) as threads, gate.enter(first):
        waiting = threads.submit(enter)
        wait_for(lambda: gate.waiting, what="the second at the gate")
        draining.set()

    with pytest.raises(Closed):
        waiting.result()
