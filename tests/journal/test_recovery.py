"""An executor that is killed at any moment, and started until it is done: nothing is lost, nothing is done twice."""

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from tests.journal.recovery import (
    PLAN,
    RUN,
    Note,
    contenders,
    ended,
    execute,
    notes_in,
    recover,
    recover_and_fail,
    warm,
)
from tests.trials import trials

from prefect_swarm.core import events as on
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.state import ItemState, ItemStatus, RunStatus
from prefect_swarm.journal.store import Journal

PLACES = ("before_commit", "after_commit", "before_outbox_ack")
LONG = 0.1
"""Seconds within which executors are killed: about half of what an undisturbed one takes."""


@pytest.mark.chaos
def test_killed_executors_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    """Killed at random times and started again until done: no acknowledged event is lost, no item is done again."""
    wanted = trials(200, chaos=2000)
    seed, kills, run = 40, 0, 0
    while kills < wanted:
        run += 1
        chance = Random(seed + run)  # noqa: S311 - no secret
        folder, ledger = _fresh(tmp_path, run)
        mine = 0
        while not _ended_in(execute, folder, ledger, chance.uniform(0, LONG) if mine < 12 else 30.0):
            mine += 1
        kills += mine

        wrong = violations(_records(folder), notes_in(ledger), mine)
        assert not wrong, f"seed {seed}, run {run}: {wrong}"


@pytest.mark.chaos
def test_recovering_five_times_is_recovering_once(tmp_path: Path) -> None:
    """Killed in the middle of one recovery after the other, up to five deep: the journal is as after a single one."""
    seed = 41
    for run in range(trials(8, chaos=150)):
        chance = Random(seed + run)  # noqa: S311 - no secret
        folder, ledger = _fresh(tmp_path, run)
        _ended_in(execute, folder, ledger, chance.uniform(0.05, 2 * LONG))
        once, often = (_copied(folder, name) for name in ("once", "often"))

        _ended_in(recover, once, once / "ledger", 30.0)
        for _ in range(chance.randint(1, 4)):
            _ended_in(recover_and_fail, often, often / "ledger", 30.0, chance.choice(PLACES))
        _ended_in(recover, often, often / "ledger", 30.0)

        told = f"seed {seed}, run {run}"
        assert _told(once) == _told(often), told
        assert _standing(once) == _standing(often), told


def test_one_of_four_processes_gets_the_lease(tmp_path: Path) -> None:
    """Processes that ask in the same moment: in every round one is given the run, with the next epoch."""
    folder, _ = _fresh(tmp_path, 0)
    rounds = trials(25, chaos=100)

    got = contenders(folder, 4, rounds)

    assert [sorted(one) for one in got] == [[0, 0, 0, epoch] for epoch in range(1, rounds + 1)]


def violations(records: tuple[Record, ...], notes: list[Note], kills: int) -> list[str]:
    """Compare what the journal says at the end with what the ledger saw; gives what must not be."""
    types = {record.seq: record.event.type for record in records}
    lost = [note for note in notes if note.what == "written" and types.get(note.number) != note.name]
    commits = Counter(record.event.item for record in records if isinstance(record.event, on.ItemVerified))
    starts = Counter(note.name for note in notes if note.what == "start")
    twice = [name for name, place in _last_starts(notes).items() if _committed_before(notes, name, place)]
    return [
        *(f"lost: {note}" for note in lost),
        *(f"done again: {name}" for name in twice),
        *(f"{commits[item.id]} commits of {item.id}" for item in PLAN.items if commits[item.id] != 1),
        *(f"{count} starts of {name}, {kills} kills" for name, count in starts.items() if not 1 <= count <= 1 + kills),
    ]


def test_the_checker_sees_what_must_not_be() -> None:
    """A lost event, a second commit, and a start after a commit are found."""
    item = PLAN.items[0].id
    done = Record(RUN, 1, 1, 0.0, on.ItemVerified(item=item, attempt=1, seconds=0.0))
    commit, start = Note("commit", item, 1), Note("start", item, 2)
    notes = [Note("written", "run_started", 2), commit, start]

    wrong = violations((done, done), notes, 0)

    assert wrong[:3] == [f"lost: {notes[0]}", f"done again: {item}", f"2 commits of {item}"]


def _last_starts(notes: list[Note]) -> dict[str, int]:
    return {note.name: place for place, note in enumerate(notes) if note.what == "start"}


def _committed_before(notes: list[Note], name: str, place: int) -> bool:
    return any(note.what == "commit" and note.name == name for note in notes[:place])


def _fresh(tmp_path: Path, run: int) -> tuple[Path, Path]:
    """Make a journal with the run in it, and say where its ledger is to be."""
    folder = tmp_path / str(run)
    with closing(Journal.at(folder)) as journal:
        journal.create(RUN, PLAN)
    return folder, folder / "ledger"


def _copied(folder: Path, name: str) -> Path:
    copy = folder.with_name(f"{folder.name}-{name}")
    shutil.copytree(folder, copy)
    return copy


def _ended_in(work: Callable[..., None], folder: Path, ledger: Path, seconds: float, *more: str) -> bool:
    """Have a process work for so many seconds at most; true where it came to its end."""
    with ended(warm(work, folder, ledger, *more)) as process:
        process.join(seconds)
    return process.exitcode == 0


def _records(folder: Path) -> tuple[Record, ...]:
    with closing(Journal.at(folder)) as journal:
        assert journal.state(RUN).status is RunStatus.COMPLETED
        assert journal.state(RUN).count(ItemStatus.VERIFIED) == len(PLAN.items)
        return journal.records(RUN)


def _told(folder: Path) -> list[on.Event]:
    with closing(Journal.at(folder)) as journal:
        return [one.event for one in journal.records(RUN) if not isinstance(one.event, on.RunResumed)]


def _standing(folder: Path) -> dict[ItemId, ItemState]:
    with closing(Journal.at(folder)) as journal:
        return dict(journal.state(RUN).items)
