"""The snapshot file of a run: whole or not at all, and cheap."""

import json
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.core.histories import History, failed, histories, started, verified
from tools.write_docs import checkpoint_schema

from prefect_swarm.core import events as on
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.state import ItemStatus
from prefect_swarm.core.view import view_run
from prefect_swarm.journal.checkpoints import SHARE, SnapshotWriter, read_snapshot, snapshot_of, snapshot_path


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


def validator_for(schema: dict[str, Any]) -> Any:
    """A validator as other programs have one; its types are unknown to ours."""
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def schema() -> dict[str, Any]:
    """The published schema, found as a user finds it: in the package."""
    text = resources.files("prefect_swarm.journal").joinpath("checkpoint.schema.json").read_text(encoding="utf-8")
    return json.loads(text)


def test_the_published_schema_is_that_of_the_program(schema: dict[str, Any]) -> None:
    """`make docs` writes the schema anew when what a checkpoint holds has changed."""
    assert schema == json.loads(checkpoint_schema()), "make docs"


@given(histories())
@settings(max_examples=25)
def test_every_snapshot_fits_the_published_schema(history: History) -> None:
    """Whatever happened in a run, other programs can read its file by the schema."""
    state = list(history.states())[-1]
    document = json.loads(snapshot_of(history.plan, state, 50.0).model_dump_json())

    validator_for(json.loads(checkpoint_schema())).validate(document)


def test_the_schema_refuses_what_is_no_snapshot(path: Path, plan: Plan, schema: dict[str, Any]) -> None:
    """A document that lacks something, or has more than we write, does not fit."""
    SnapshotWriter(path, plan, monotonic=Watch()).write(started(plan), 1.0)
    document = json.loads(path.read_bytes())
    validator = validator_for(schema)

    assert validator.is_valid(document)
    assert not validator.is_valid(document | {"colour": "red"})
    assert not validator.is_valid({name: value for name, value in document.items() if name != "plan"})
    assert not validator.is_valid(document | {"format": "prefect-swarm/checkpoint/99"})


def test_a_snapshot_holds_retries_and_errors(plan: Plan) -> None:
    """Used and left retries, reasons, evidence and the errors beside the agents' work stand in the document."""
    trouble = on.ErrorOccurred(where="disk", message="full", remedy="free space")
    state = started(plan, *failed("A"), trouble)

    document = json.loads(snapshot_of(plan, state, 50.0).model_dump_json())

    item = document["view"]["items"][0]
    assert (item["used"], item["retries_left"], item["attempt"], item["reason"]) == (1, 0, 1, "broke")
    assert document["view"]["progress"]["errors"][0]["message"] == "full"
    assert document["plan"]["requirements"][0]["title"] == "Make A"


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
