"""Who may execute a run, when another one takes over, and that the old one is then refused."""

import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from tests.journal.conftest import PLAN, RUN
from tests.journal.processes import ask, kill, output, start

from prefect_swarm.core.errors import Fenced, JournalError, RunHeld, StorageFailed
from prefect_swarm.core.events import ErrorOccurred
from prefect_swarm.journal import lease
from prefect_swarm.journal.lease import Holder, Pulse, this_process
from prefect_swarm.journal.store import Journal
from prefect_swarm.testing.waiting import wait_for

EVENT = ErrorOccurred(where="test", message="x")


def test_the_first_taker_gets_the_lease(journal: Journal) -> None:
    """A run that nobody holds is given with epoch 1, and its holder is known."""
    epoch = journal.take_lease(RUN, period=60.0)

    assert epoch == 1
    assert journal.holder(RUN) == this_process()
    assert journal.append(RUN, [EVENT], epoch=epoch)


def test_a_second_taker_is_told_who_holds_the_run(journal: Journal, folder: Path) -> None:
    """While its holder lives and beats, a run cannot be taken, and the refusal names the process."""
    holder = start(folder, "hold", "60")
    assert output(holder).readline() == "holds 1\n"

    with pytest.raises(RunHeld, match=f"run run-1 is being executed by process {holder.pid} on "):
        journal.take_lease(RUN, period=60.0)

    kill(holder)


def test_a_killed_holder_is_followed_at_once(journal: Journal, folder: Path) -> None:
    """Nobody waits for the lease of a process that is known to be dead."""
    holder = start(folder, "hold", "3600")
    output(holder).readline()

    kill(holder)

    assert journal.holder(RUN) is None
    assert journal.take_lease(RUN, period=3600.0) == 2


def test_a_dead_holder_whose_parent_has_not_looked_is_followed_at_once(journal: Journal, folder: Path) -> None:
    """A zombie executes nothing any more."""
    holder = start(folder, "hold", "3600")
    output(holder).readline()

    os.kill(holder.pid, signal.SIGKILL)
    wait_for(lambda: psutil.Process(holder.pid).status(), lambda seen: seen == psutil.STATUS_ZOMBIE, what="a zombie")
    epoch = journal.take_lease(RUN, period=3600.0)

    holder.communicate()
    assert epoch == 2


def test_a_stopped_holder_is_followed_after_its_period_and_then_refused(journal: Journal, folder: Path) -> None:
    """A process that is silent for longer than its lease loses the run, and when it wakes nothing of it is written."""
    holder = start(folder, "hold", "0.5")
    output(holder).readline()
    assert ask(holder, "one") == "written"
    os.kill(holder.pid, signal.SIGSTOP)

    wait_for(lambda: journal.holder(RUN), lambda found: found is None, what="the end of the lease")
    assert journal.take_lease(RUN, period=60.0) == 2
    journal.append(RUN, [EVENT], epoch=2)
    os.kill(holder.pid, signal.SIGCONT)
    answer = ask(holder, "two")

    kill(holder)
    assert answer == "Fenced: run run-1 was taken over by another executor"
    assert [one.event.message for one in journal.records(RUN) if isinstance(one.event, ErrorOccurred)] == ["one", "x"]


def test_an_old_epoch_writes_and_beats_nothing(journal: Journal) -> None:
    """Whatever the old executor tries, it is told that it was followed, and leaves no trace."""
    old = journal.take_lease(RUN, period=60.0)
    journal.release_lease(RUN, old)
    new = journal.take_lease(RUN, period=60.0)

    with pytest.raises(Fenced):
        journal.append(RUN, [EVENT, EVENT], epoch=old)
    with pytest.raises(Fenced):
        journal.beat(RUN, old)
    journal.release_lease(RUN, old)

    assert journal.records(RUN) == ()
    assert journal.holder(RUN) is not None
    assert journal.append(RUN, [EVENT], epoch=new)


def test_hooks_without_a_lease_may_write(journal: Journal) -> None:
    """What Prefect says in a process without a lease is written beside the executor's events."""
    epoch = journal.take_lease(RUN, period=60.0)

    journal.append(RUN, [EVENT])

    assert journal.append(RUN, [EVENT], epoch=epoch)[0].seq == 2


def test_a_released_lease_is_free_at_once(journal: Journal) -> None:
    """Who leaves gives the run back, with the next epoch for the next one."""
    epoch = journal.take_lease(RUN, period=3600.0)

    journal.release_lease(RUN, epoch)

    assert journal.holder(RUN) is None
    with pytest.raises(Fenced):
        journal.beat(RUN, epoch)
    assert journal.take_lease(RUN, period=3600.0) == epoch + 1


def test_a_beat_prolongs_the_lease(folder: Path) -> None:
    """The period counts from the last beat, not from the taking, and it is the holder's: not what a taker asks for."""
    ticks = [1000.0]
    with closing(Journal.at(folder, monotonic=lambda: ticks[0])) as journal:
        journal.create(RUN, PLAN)
        epoch = journal.take_lease(RUN, period=10.0)

        ticks[0] += 9.0
        journal.beat(RUN, epoch)
        ticks[0] += 9.0
        with pytest.raises(RunHeld):
            journal.take_lease(RUN, period=0.1)
        assert journal.holder(RUN) == this_process()
        ticks[0] += 1.0

        assert journal.holder(RUN) is None
        assert journal.take_lease(RUN, period=3600.0) == 2


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 86_400.0, -86_400.0, -1_770_000_000.0, 380_000_000.0])
def test_no_lease_is_lost_when_the_clock_is_set(folder: Path, jump: float) -> None:
    """An hour, a day, back to 1970 or on to 2038: the holder stays, its records follow in order, nobody takes over."""
    now, ticks = [1_770_000_000.0], [1000.0]
    with closing(Journal.at(folder, clock=lambda: now[0], monotonic=lambda: ticks[0])) as journal:
        journal.create(RUN, PLAN)
        epoch = journal.take_lease(RUN, period=10.0)
        journal.append(RUN, [EVENT], epoch=epoch)

        now[0] += jump
        ticks[0] += 3.0
        with pytest.raises(RunHeld):
            journal.take_lease(RUN, period=10.0)
        journal.beat(RUN, epoch)
        journal.append(RUN, [EVENT], epoch=epoch)
        ticks[0] += 9.9

        assert journal.holder(RUN) is not None
        assert [record.seq for record in journal.records(RUN)] == [1, 2]
        ticks[0] += 0.1
        assert journal.take_lease(RUN, period=10.0) == 2


def test_only_one_of_many_gets_the_lease(journal: Journal) -> None:
    """Threads that ask at once: one is given the run, all others are told so."""
    with_lease = list[int]()
    barrier = threading.Barrier(6)

    def take() -> None:
        barrier.wait()
        epoch = _taken(journal, 60.0)
        if epoch:
            with_lease.append(epoch)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert with_lease == [1]


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({"host": "elsewhere", "pid": 2**22 + 5}, False),
        ({"host": "elsewhere", "boot": "of another machine"}, False),
        ({"space": "of another container", "pid": 2**22 + 5}, False),
        ({"boot": "before the restart"}, True),
        ({"pid": 2**22 + 5}, True),
        ({"started": 1.0}, True),
    ],
    ids=[
        "this process",
        "another container",
        "another machine",
        "another container of the same name",
        "before a restart",
        "no such process",
        "its number is another's now",
    ],
)
def test_a_holder_is_dead_only_where_that_is_known(change: dict[str, object], dead: bool) -> None:  # noqa: FBT001 - what is expected
    """A process of this machine is dead when it is gone; one of another machine never is for certain."""
    holder = Holder.model_validate({**this_process().model_dump(), **change})

    assert holder.dead is dead


def test_the_pulse_beats_until_the_work_is_over() -> None:
    """While an executor works its lease is prolonged; afterwards no longer, and no thread is left."""
    beats = list[int]()

    with Pulse(lambda: beats.append(1), period=0.01, lost=lambda _error: None):
        wait_for(lambda: len(beats), lambda seen: seen >= 3, what="three beats")
    counted = len(beats)

    assert len(beats) == counted
    assert "swarm-lease" not in {thread.name for thread in threading.enumerate()}


def test_the_pulse_outlives_a_journal_that_is_away() -> None:
    """A beat that cannot be written is tried again, and nothing is lost over it."""
    troubles = iter([JournalError("away"), JournalError("away")])
    beats, lost = list[int](), list[JournalError]()

    def send() -> None:
        trouble = next(troubles, None)
        if trouble is not None:
            raise trouble
        beats.append(1)

    with Pulse(send, period=0.01, lost=lost.append):
        wait_for(lambda: len(beats), bool, what="a beat after the trouble")

    assert lost == []


def test_the_pulse_says_that_storage_fails_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """One beat that storage refuses is tried again soon; when that goes on the executor is told, once."""
    monkeypatch.setattr(lease, "PATIENCE", 0.3)  # seconds that would only be waited for
    monkeypatch.setattr(lease, "AGAIN", 0.01)
    tried, lost = list[float](), list[JournalError]()

    def send() -> None:
        tried.append(time.monotonic())
        raise StorageFailed("full")

    with Pulse(send, period=0.02, lost=lost.append):
        wait_for(lambda: len(lost), bool, what="the loss")

    assert len(lost) == 1
    assert len(tried) > 2
    assert tried[-1] - tried[0] >= 0.25


def test_the_pulse_counts_failures_that_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage that refuses now and then, and takes a beat in between, is not reported."""
    monkeypatch.setattr(lease, "PATIENCE", 0.2)  # likewise
    monkeypatch.setattr(lease, "AGAIN", 0.01)
    beats, lost = list[int](), list[JournalError]()

    def send() -> None:
        beats.append(1)
        if len(beats) % 2:
            raise StorageFailed("full")

    with Pulse(send, period=0.01, lost=lost.append):
        wait_for(lambda: len(beats), lambda seen: seen >= 60, what="many beats")

    assert lost == []


def test_the_pulse_says_once_that_the_lease_is_lost(journal: Journal) -> None:
    """An executor that was followed learns it at its next beat, once."""
    old = journal.take_lease(RUN, period=60.0)
    journal.release_lease(RUN, old)
    journal.take_lease(RUN, period=60.0)
    lost = list[JournalError]()

    with Pulse(lambda: journal.beat(RUN, old), period=0.01, lost=lost.append):
        wait_for(lambda: len(lost), bool, what="the loss")

    assert len(lost) == 1
    assert isinstance(lost[0], Fenced)


@pytest.mark.postgres
def test_another_machine_takes_over_one_period_after_the_last_beat(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines whose clocks differ by two days agree by the database's: while one beats the other waits."""
    one, two = _machine(database, -86_400.0), _machine(database, 86_400.0)

    def on(machine: str) -> None:
        there = this_process().model_copy(update={"host": machine, "boot": machine})
        monkeypatch.setattr(lease, "this_process", lambda: there)  # there is one machine to test on

    with closing(one), closing(two):
        on("one")
        one.create(RUN, PLAN)
        epoch = one.take_lease(RUN, period=1.0)
        begun = last = time.monotonic()
        while time.monotonic() - begun < 1.5:
            on("one")
            one.beat(RUN, epoch)
            last = time.monotonic()
            on("two")
            with pytest.raises(RunHeld, match="on one"):
                two.take_lease(RUN, period=0.1)
        wait_for(lambda: _taken(two, 1.0), lambda taken: taken == 2, what="the lease", timeout=10)

        assert 0.9 < time.monotonic() - last < 3.0
        with pytest.raises(Fenced):
            one.append(RUN, [EVENT], epoch=epoch)


@pytest.mark.postgres
def test_the_earlier_boot_of_this_machine_is_followed_at_once(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart nobody waits for the holder of before."""
    me = this_process()
    with closing(Journal(database)) as journal:
        journal.create(RUN, PLAN)
        with monkeypatch.context() as before:  # a restart cannot be had in a test
            before.setattr(lease, "this_process", lambda: me.model_copy(update={"boot": "before"}))
            journal.take_lease(RUN, period=3600.0)

        assert journal.holder(RUN) is None
        assert journal.take_lease(RUN, period=3600.0) == 2


def _machine(url: str, ahead: float) -> Journal:
    """Open a journal as a machine would whose clock is wrong, and which was started at another time."""
    return Journal(url, clock=lambda: time.time() + ahead, monotonic=lambda: time.monotonic() + ahead)


def _taken(journal: Journal, period: float) -> int | None:
    try:
        return journal.take_lease(RUN, period=period)
    except RunHeld:
        return None
