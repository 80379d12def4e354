"""A place to run plans in a test: a state folder, a workspace and a ledger of their own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect.client.schemas.objects import State

from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState
from prefect_swarm.flows.compile import compile_flow
from prefect_swarm.journal.home import open_journal
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.testing.fakeagent import Line, read_ledger

QUICK = (0.1, 0.2, 0.3)
"""Retry delays in seconds, so that no test waits for the real ones."""


@dataclass(slots=True)
class Stage:
    """Runs plans below a folder, on the Prefect server that the process uses."""

    folder: Path
    run_id: RunId = field(default_factory=lambda: RunId(f"run-{uuid4().hex[:8]}"))
    max_parallel: int = 3
    retry_delays: tuple[float, ...] = QUICK
    control: Control = field(default_factory=Control)

    @property
    def settings(self) -> Settings:
        """Settings that keep everything below the folder."""
        return Settings(
            home=str(self.folder / "home"),
            max_parallel=self.max_parallel,
            retry_delays=self.retry_delays,
            lease_seconds=3.0,
        )

    @property
    def workspace(self) -> Path:
        """Where the agents work."""
        return self.folder / "work"

    @property
    def ledger_path(self) -> Path:
        """Where scripted agents note what they do."""
        return self.folder / "ledger.jsonl"

    @property
    def journal(self) -> Journal:
        """The journal of the state folder, opened anew."""
        return open_journal(self.settings)

    def run(self, plan: Plan) -> State[Any]:
        """Execute the plan as a Prefect flow in this process, or go on with it; gives Prefect's final state."""
        flow = compile_flow(plan, settings=self.settings, output=self.workspace, control=self.control)
        return flow(run=self.run_id, return_state=True)

    def state(self, plan: Plan) -> RunState:
        """Fold the state of the run from the journal."""
        return self.journal.state(self.run_id, plan)

    def records(self) -> tuple[Record, ...]:
        """Read all records of the run."""
        return self.journal.records(self.run_id)

    def ledger(self) -> tuple[Line, ...]:
        """Read what the scripted agents did."""
        return read_ledger(self.ledger_path)
