"""An executor to be killed: it runs a plan on the engine of the kit, in a process forked for it."""

import os
import sys
import traceback
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.tenure import Tenure
from prefect_swarm.testing.engine import run_plan
from prefect_swarm.testing.failpoints import Traps, trap_from

COMPLETED, OTHERWISE, BROKEN = 0, 1, 70
"""Exit codes beside those of our errors: the run is completed; it ended or was left otherwise; we broke off."""


class Order(BaseModel):
    """What an executor is to do, in which folder."""

    model_config = ConfigDict(frozen=True)

    folder: str
    run: str
    slots: int
    lease: float
    traps: tuple[str, ...] = ()
    waits: bool = False
    """It waits for the lease, as a flow run does; else it leaves where another holds it, as the command line does."""

    @property
    def place(self) -> Path:
        """The folder."""
        return Path(self.folder)

    @property
    def settings(self) -> Settings:
        """Settings that keep everything in the folder."""
        return Settings(
            home=str(self.place / "home"),
            max_parallel=self.slots,
            lease_seconds=self.lease,
            retry_delays=(0.05,),
        )


def execute(order: Order) -> int:
    """Execute the plan that lies in the folder from where it stands; gives the exit code."""
    Traps(map(trap_from, order.traps), sprung=order.place / "sprung.txt").set()
    try:
        return COMPLETED if _run(order) is RunStatus.COMPLETED else OTHERWISE
    except SwarmError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    except Exception:  # noqa: BLE001 - how it broke off is for the log; that it did is for the parent
        traceback.print_exc()
        return BROKEN


def _run(order: Order) -> RunStatus:
    plan = Plan.model_validate_json((order.place / "plan.json").read_bytes())
    journal = open_journal(order.settings)
    control = Control()
    told = os.open(order.place / "acknowledged.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def acknowledge(records: tuple[Record, ...]) -> None:
        os.write(told, "".join(f"{one.seq} {one.event.type}\n" for one in records).encode())

    journal.feed.subscribe(acknowledge)
    run_id = RunId(order.run)
    if not order.waits:
        journal.create(run_id, plan)
        control.tenure = Tenure(journal, run_id, period=order.lease, lost=control.give_up)
    state = run_plan(plan, run_id, settings=order.settings, output=order.place / "work", control=control)
    return state.status
