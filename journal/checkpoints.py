"""The snapshot file of a run: everything a person or another tool wants to know of it, in one JSON document.

The journal is the truth; the file is written beside the results so that a run can be found again by it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.state import RunState
from prefect_swarm.core.view import RunView, view_run
from prefect_swarm.journal.failpoint import failpoint

SHARE = 0.005
"""The part of a run's time that snapshots at marks may take."""


class Snapshot(BaseModel):
    """A run at a checkpoint; its JSON Schema is `checkpoint.schema.json` beside this module."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["prefect-swarm/checkpoint/1"] = "prefect-swarm/checkpoint/1"
    run_id: RunId
    stream: int = Field(description="Grows when history is turned back or given another plan.")
    seq: int = Field(description="Number of the newest event that this follows from.")
    number: int = Field(description="Number of the latest checkpoint; 0 before the first.")
    at: float = Field(description="Seconds since 1970 (UTC).")
    plan: Plan = Field(description="What was asked, who does it, and in which order.")
    view: RunView = Field(
        description="Where everything stands: progress, requirements, items with attempts and errors."
    )


def snapshot_path(output: Path, run_id: RunId) -> Path:
    """Say where the snapshot of a run lies below its output folder."""
    return output / "checkpoints" / f"workflow_{run_id}.json"


def snapshot_of(plan: Plan, state: RunState, now: float) -> Snapshot:
    """Give a run as of `now` as the document that its checkpoint file is."""
    return Snapshot(
        run_id=state.run_id,
        stream=state.stream,
        seq=state.seq,
        number=state.checkpoint,
        at=now,
        plan=plan,
        view=view_run(plan, state, now),
    )


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot file. Raises UsageError where it is none."""
    try:
        return Snapshot.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        raise UsageError(f"{path} is no checkpoint of a run: {str(error).splitlines()[0]}") from error


class SnapshotWriter:
    """Writes the snapshot file of a run, at marks only as long as that costs next to nothing."""

    def __init__(self, path: Path, plan: Plan, *, monotonic: Callable[[], float]) -> None:
        """Write to `path`; `monotonic` measures what it costs, in seconds."""
        self._path, self._plan, self._monotonic = path, plan, monotonic
        self._begun = monotonic()
        self._spent = 0.0

    def write_if_cheap(self, state: RunState, now: float) -> None:
        """Write unless the writes so far took more than their share of the time."""
        if self._spent <= SHARE * (self._monotonic() - self._begun):
            self.write(state, now)

    def write(self, state: RunState, now: float) -> None:
        """Write the file anew, whole or not at all."""
        begun = self._monotonic()
        snapshot = snapshot_of(self._plan, state, now)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(snapshot.model_dump_json(indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        failpoint("after_fsync")
        fresh.replace(self._path)
        failpoint("after_rename")
        self._spent += self._monotonic() - begun
