"""The snapshot file of a run: whole or not at all, and cheap."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.histories import started, verified

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.state import ItemStatus
from prefect_swarm.core.view import view_run
from prefect_swarm.journal.checkpoints import SHARE, SnapshotWriter, read_snapshot, snapshot_path


class Watch:
    """A clock that goes on by so much each time it is read."""

    def __init__(self, step: float = 0.0) -> None:
        """Begin at zero."""
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        """Give the time, and go on."""
        self.now += self.step
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the snapshot of the run lies."""
    return snapshot_path(tmp_path, RunId("run-1"))


def test_a_snapshot_is_found_beside_the_results(tmp_path: Path) -> None:
    """The file carries the run's name."""
    assert snapshot_path(tmp_path, RunId("run-1")) == tmp_path / "checkpoints" / "workflow_run-1.json"


def test_a_snapshot_holds_the_run(path: Path, plan: Plan) -> None:
    """Plan and view come back as they were, in a document that any program can read."""
    state = started(plan, *verified("A"))

    SnapshotWriter(path, plan, monotonic=Watch()).write(state, 50.0)

    found = read_snapshot(path)
    assert (found.run_id, found.seq, found.at, found.plan) == ("run-1", state.seq, 50.0, plan)
    assert found.view == view_run(plan, state, 50.0)
    assert json.loads(path.read_bytes())["view"]["items"][0]["status"] == ItemStatus.VERIFIED


def test_a_snapshot_replaces_the_one_before(path: Path, plan: Plan) -> None:
    """There is one file per run, the newest, and nothing beside it."""
    writer = SnapshotWriter(path, plan, monotonic=Watch())

    writer.write(started(plan), 1.0)
    writer.write(started(plan, *verified("A")), 2.0)

    assert read_snapshot(path).at == 2.0
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_snapshot(path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the last whole file stays what it was."""
    writer = SnapshotWriter(path, plan, monotonic=Watch())
    writer.write(started(plan), 1.0)

    def full(_handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)  # a disk cannot be filled in a test; this is where the kernel would say so
    with pytest.raises(OSError, match="no space"):
        writer.write(started(plan, *verified("A")), 2.0)

    assert read_snapshot(path).at == 1.0


def test_readers_never_see_half_a_snapshot(path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a new file is being written the old one is read, whole."""
    writer = SnapshotWriter(path, plan, monotonic=Watch())
    writer.write(started(plan), 1.0)
    seen = list[float]()

    def look(_handle: int) -> None:
        seen.append(read_snapshot(path).at)

    monkeypatch.setattr(os, "fsync", look)  # the moment before the new file is safe, which no timing could hit

    writer.write(started(plan, *verified("A")), 2.0)

    assert seen == [1.0]
    assert read_snapshot(path).at == 2.0


def test_marks_write_only_while_that_costs_next_to_nothing(path: Path, plan: Plan) -> None:
    """After a write that took one second the next is made when 200 seconds have passed."""
    watch = Watch(step=0.5)  # each write reads the clock at its begin and its end
    writer = SnapshotWriter(path, plan, monotonic=watch)
    state = started(plan)
    writer.write(state, 1.0)
    watch.step = 0.0
    begun = watch.now

    writer.write_if_cheap(state, 2.0)
    watch.now = begun + 0.5 / SHARE - 2.0
    writer.write_if_cheap(state, 3.0)
    early = read_snapshot(path).at
    watch.now = begun + 0.5 / SHARE
    writer.write_if_cheap(state, 4.0)

    assert early == 1.0
    assert read_snapshot(path).at == 4.0


def test_the_first_mark_is_written(path: Path, plan: Plan) -> None:
    """As long as nothing was spent there is nothing to save."""
    SnapshotWriter(path, plan, monotonic=Watch()).write_if_cheap(started(plan), 1.0)

    assert read_snapshot(path).at == 1.0


def _changed(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    def changed(whole: bytes) -> bytes:
        document = json.loads(whole)
        change(document)
        return json.dumps(document).encode()

    return changed


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _whole: b"",
    "cut off": lambda whole: whole[:-20],
    "no text": lambda _whole: b"\xff\xfe\x00garbage",
    "deep": lambda _whole: b"[" * 100_000,
    "null": lambda _whole: b"null",
    "other JSON": lambda _whole: b'{"run_id": "run-1"}',
    "long number": lambda _whole: b'{"seq": ' + b"9" * 10_000 + b"}",
    "later": _changed(lambda document: document.update(format="prefect-swarm/checkpoint/99")),
    "unknown": _changed(lambda document: document.update(colour="red")),
    "no plan": _changed(lambda document: document.pop("plan")),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_what_is_no_snapshot_is_refused(path: Path, plan: Plan, spoil: Callable[[bytes], bytes]) -> None:
    """A file that is not ours is wrong usage, and the message names it, in one line."""
    SnapshotWriter(path, plan, monotonic=Watch()).write(started(plan), 1.0)
    path.write_bytes(spoil(path.read_bytes()))

    with pytest.raises(UsageError, match=r"workflow_run-1\.json is no checkpoint of a run: .") as refused:
        read_snapshot(path)

    assert "\n" not in str(refused.value)


def test_a_missing_snapshot_is_refused(tmp_path: Path) -> None:
    """So is a file that is not there, or a folder."""
    for path in (tmp_path / "nowhere.json", tmp_path):
        with pytest.raises(UsageError, match="is no checkpoint of a run"):
            read_snapshot(path)
