"""The same place is reached by Prefect's own ways: Retry and Suspend of a deployed run, with a real worker."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State, StateDetails, StateType
from prefect.states import Scheduled

from prefect_swarm.core.ids import RunId
from prefect_swarm.core.state import RunState, RunStatus
from prefect_swarm.flows.server import PrivateServer
from prefect_swarm.journal.home import open_journal
from prefect_swarm.testing.plans import Part
from prefect_swarm.testing.project import Project
from prefect_swarm.testing.waiting import wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOYMENT = "orchestrate/on-demand"


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker of the pool that prefect.yaml names, in whose environment the deployed runs are executed."""

    project: Project

    def start(self) -> UUID:
        """Start a run of the project's requirements from the deployment, as the form in Prefect does."""
        folder = self.project.folder
        parameters = {"requirements": str(folder / "requirements.yaml"), "agents": str(folder / "agents")}
        with get_client(sync_client=True) as client:
            deployment = client.read_deployment_by_name(DEPLOYMENT)
            return client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id

    def state(self, flow_run: UUID) -> RunState | None:
        """Fold the run that the flow run executes; None as long as there is none."""
        run_id = RunId(f"flow-{str(flow_run)[:8]}")
        journal = open_journal(self.project.settings)
        return journal.state(run_id) if run_id in {one.run_id for one in journal.runs()} else None


@pytest.fixture(scope="module")
def worker(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The project's deployment and a worker that serves it, for all tests of this module."""
    folder = tmp_path_factory.mktemp("deployed")
    project = Project(folder, server.client_environment(folder / "prefect"))
    environment = {name: os.environ[name] for name in ("PATH", "HOME")} | dict(project.environment)
    environment |= {"SWARM_HOME": project.settings.home, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name="swarm", type="process"))
    with _prefect("worker", "start", "--pool", "swarm", environment=environment):
        with _prefect("--no-prompt", "deploy", "--all", environment=environment) as deploying:
            assert deploying.wait(60) == 0
        yield Worker(project)
    project.close()


@contextmanager
def _prefect(*words: str, environment: dict[str, str]) -> Generator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "prefect", *words]
    with subprocess.Popen(argv, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL) as process:
        yield process
        process.terminate()


def test_prefects_retry_goes_on_with_the_same_run(worker: Worker) -> None:
    """After its cause is mended, Retry of a failed flow run does what failed anew, and nothing that is verified."""
    mended = worker.project.folder / "mended"
    trying = ("sh", "-c", f"test -e {mended} && touch B.txt")
    worker.project.write(Part("A"), Part("B", needs=("A",), argv=trying))
    flow_run = worker.start()
    failed = _ended(flow_run)
    mended.touch()

    _set_state(flow_run, Scheduled(name="AwaitingRetry", message="Retry from the UI"))
    retried = wait_for(lambda: _read(flow_run), _is_completed, what="the retried run's end", timeout=60)

    state = worker.state(flow_run)
    assert failed.state_name == "CompletedWithFailures"
    assert retried.run_count == 2
    assert state is not None
    assert state.status is RunStatus.COMPLETED
    assert [one.run_id for one in open_journal(worker.project.settings).runs()] == [state.run_id]
    assert _starts(worker) == {"A/a": 1}
    # Task states travel to the server after the fact.
    wait_for(lambda: _shown(flow_run)["A/a"] == {"Completed", "Reused"}, what="the reused item to be shown", timeout=30)


def test_a_suspended_run_is_left_and_comes_back(worker: Worker) -> None:
    """Suspend lets the agent at work finish and the process leave; Resume has a worker do the rest, nothing twice."""
    worker.project.write(Part("C", script=("--seconds", "3")), Part("D", needs=("C",)))
    flow_run = worker.start()
    wait_for(lambda: _starts(worker)["C/c"], what="the agent at work", timeout=60)

    _set_state(flow_run, _suspended())
    left = wait_for(lambda: worker.state(flow_run), _is_left, what="the run being left", timeout=60)
    shown = _read(flow_run)
    with get_client(sync_client=True) as client:
        client.resume_flow_run(flow_run)
    wait_for(lambda: _read(flow_run), _is_completed, what="the resumed run's end", timeout=60)

    assert left is not None
    assert left.status is RunStatus.SUSPENDED
    assert shown.state_name == "Suspended"
    assert {name: count for name, count in _starts(worker).items() if name != "A/a"} == {"C/c": 1, "D/d": 1}


def _suspended() -> State[None]:
    """The state that the Suspend button of Prefect's page sets."""
    until = datetime.now(UTC) + timedelta(minutes=5)
    details = StateDetails.model_validate({"pause_timeout": until, "pause_reschedule": True})
    return State(type=StateType.PAUSED, name="Suspended", state_details=details)


def _set_state(flow_run: UUID, state: State[None]) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run, state, force=True)


def _read(flow_run: UUID) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(flow_run)


def _ended(flow_run: UUID) -> FlowRun:
    return wait_for(lambda: _read(flow_run), _is_final, what="the run's end", timeout=60)


def _is_final(flow_run: FlowRun) -> bool:
    return flow_run.state is not None and flow_run.state.is_final()


def _is_completed(flow_run: FlowRun) -> bool:
    return flow_run.state is not None and flow_run.state.is_completed()


def _is_left(state: RunState | None) -> bool:
    return state is not None and state.status is not RunStatus.RUNNING


def _shown(flow_run: UUID) -> dict[str, set[str | None]]:
    """Give the names of the states in which the task runs of each item ended."""
    mine = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
    with get_client(sync_client=True) as client:
        task_runs = client.read_task_runs(flow_run_filter=mine)
    names: dict[str, set[str | None]] = {}
    for one in task_runs:
        names.setdefault(one.name, set()).add(one.state_name)
    return names


def _starts(worker: Worker) -> Counter[str]:
    return Counter(line.item for line in worker.project.ledger() if line.what == "start")
