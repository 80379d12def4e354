"""Which exit code tells how a run stands."""

from prefect_swarm.cli.exits import INTERRUPTED
from prefect_swarm.core.state import RunStatus

EXIT_CODES: dict[RunStatus, int] = {
    RunStatus.RUNNING: 0,
    RunStatus.PAUSED: 6,
    RunStatus.SUSPENDED: 6,
    RunStatus.INTERRUPTED: INTERRUPTED,
    RunStatus.COMPLETED: 0,
    RunStatus.FAILED: 1,
    RunStatus.COMPLETED_WITH_FAILURES: 2,
    RunStatus.ABORTED: 3,
    RunStatus.BLOCKED: 4,
    RunStatus.CANCELLED: INTERRUPTED,
}
"""0 completed, 1 failed, 2 completed with failures, 3 aborted, 4 blocked, 6 waits for a person, 130 resumable."""
