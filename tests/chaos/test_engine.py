"""The engine without Prefect: it must stay without, or no test can afford to kill it often."""

import subprocess
import sys
from pathlib import Path

from prefect_swarm.core.ids import ItemId, RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import ItemStatus, RunStatus
from prefect_swarm.testing.engine import run_plan
from prefect_swarm.testing.plans import Part, plan_of

RUN = RunId("run-1")


def test_the_engine_of_the_kit_never_imports_prefect() -> None:
    """Importing Prefect costs seconds, so whatever `testing.engine` needs does without."""
    program = "import sys, prefect_swarm.testing.engine; sys.exit('prefect' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_it_retries_and_blocks_as_under_prefect(tmp_path: Path) -> None:
    """An attempt that asks for it is called again after its delay; what depends on a failed item is blocked."""
    settings = Settings(home=str(tmp_path / "home"), retry_delays=(0.1,))
    plan = plan_of(
        Part("A", script=("--fail", "1"), retries=1), Part("B", script=("--fail", "9")), Part("C", needs=("B",))
    )

    state = run_plan(plan, RUN, settings=settings, output=tmp_path / "work")

    assert state.status is RunStatus.COMPLETED_WITH_FAILURES
    assert {name: (item.status, item.attempt) for name, item in state.items.items()} == {
        ItemId("A/fake"): (ItemStatus.VERIFIED, 2),
        ItemId("B/fake"): (ItemStatus.FAILED, 1),
        ItemId("C/fake"): (ItemStatus.BLOCKED, 0),
    }
