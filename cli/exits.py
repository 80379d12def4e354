"""What the exit code of `swarm` says."""

from prefect_swarm.core.state import RunStatus

UNTOLD = 5
"""The outcome stands in the journal, but Prefect could not be told."""
WAITING = 6
"""The run was left waiting for a person."""
INTERRUPTED = 130
"""Stopped by its operator; `swarm resume` goes on."""

EXIT_CODES: dict[RunStatus, int] = {
    RunStatus.COMPLETED: 0,
    RunStatus.RUNNING: 1,
    RunStatus.FAILED: 1,
    RunStatus.COMPLETED_WITH_FAILURES: 2,
    RunStatus.ABORTED: 3,
    RunStatus.BLOCKED: 4,
    RunStatus.PAUSED: WAITING,
    RunStatus.SUSPENDED: WAITING,
    RunStatus.INTERRUPTED: INTERRUPTED,
    RunStatus.CANCELLED: INTERRUPTED,
}
"""The exit code for where a run was left."""
