"""One executor per run, from the first moment: who comes second leaves or waits, and a dead one is succeeded."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelling
from tests.journal.servers import postgres

from prefect_swarm.core.errors import RunHeld
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunStatus
from prefect_swarm.journal.home import open_journal
from prefect_swarm.tasks.tenure import Tenure
from prefect_swarm.testing.engine import run_plan
from prefect_swarm.testing.fakeagent import read_ledger
from prefect_swarm.testing.plans import Part, plan_of
from prefect_swarm.testing.project import Project, kill
from prefect_swarm.testing.stage import Stage
from prefect_swarm.testing.waiting import wait_for

COMMAND = ("run", "--agents", "agents", "--yes")
RUN = RunId("run-1")


def test_of_four_that_resume_at_once_one_executes(project: Project) -> None:
    """After a kill -9 exactly one of four resumes completes the run; the others leave at once, naming it."""
    project.write(Part("A", script=("--seconds", "0.2")), Part("B", needs=("A",), script=("--seconds", "1")))
    first = project.start(*COMMAND)
    wait_for(lambda: _starts(project)["B/b"], what="the second agent at work", timeout=60)
    kill(first)

    racing = [project.start("resume", "last") for _ in range(4)]
    losers = wait_for(
        lambda: [one for one in racing if one.poll() == 75], lambda found: len(found) == 3, what="losers", timeout=60
    )
    at_work = _starts(project)["B/b"]
    (winner,) = set(racing) - set(losers)

    assert winner.wait(60) == 0, project.output
    assert project.output.count(f"process {winner.pid} on ") == 3
    assert at_work == 1  # the losers were gone before the winner had so much as begun
    assert _starts(project) == {"A/a": 1, "B/b": 2}  # B was at work when its executor was killed


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """A thread in which a flow run waits while the test goes on."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


def test_a_flow_run_waits_for_the_lease(stage: Stage, aside: ThreadPoolExecutor) -> None:
    """A flow run that finds its run held starts nothing, and goes on once the holder gives the run back."""
    plan = plan_of(Part("A"), ledger=stage.ledger_path)
    holder = _hold(stage, plan)
    waiting = _run(stage, plan, aside)
    wait_for(lambda: _flow_run(stage), lambda found: found is not None, what="the flow run", timeout=60)
    started_before = stage.ledger()

    holder.end()

    assert waiting.result(60).is_completed()
    assert started_before == ()


def test_waiting_for_the_lease_ends_with_the_flow_run(stage: Stage, aside: ThreadPoolExecutor) -> None:
    """A flow run that is cancelled while it waits for a held run ends as cancelled, and has started nothing."""
    plan = plan_of(Part("A"), ledger=stage.ledger_path)
    with _hold(stage, plan):
        waiting = _run(stage, plan, aside)
        flow_run = wait_for(lambda: _flow_run(stage), lambda found: found is not None, what="the flow run", timeout=60)
        assert flow_run is not None
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run.id, Cancelling(), force=True)

        told = waiting.result(60)

    assert told.is_cancelled()
    assert stage.ledger() == ()


def test_another_machine_takes_over_when_the_lease_has_run_out(tmp_path: Path) -> None:
    """Of a holder on another machine nobody knows that it died: its run is refused first, and taken after the lease."""
    with postgres() as server:
        here, there = (
            Settings(home=str(tmp_path / name), journal=f"{server.url}/postgres", lease_seconds=3.0)
            for name in ("here", "there")
        )
        script = "echo $SWARM_ITEM >> starts; test -e gone || sleep 60; touch B.txt"
        plan = plan_of(Part("A"), Part("B", needs=("A",), argv=("sh", "-c", script)), ledger=tmp_path / "ledger.jsonl")
        holder = _elsewhere(plan, there, tmp_path)
        wait_for((tmp_path / "starts").exists, what="the second agent at work", timeout=60)
        kill(holder)
        (tmp_path / "gone").touch()

        with pytest.raises(RunHeld, match=f"process {holder.pid} on elsewhere"):
            Tenure(open_journal(here), RUN, period=3.0, lost=lambda _error: None)
        state = run_plan(plan, RUN, settings=here, output=tmp_path)

    assert state.status is RunStatus.COMPLETED
    assert [line.item for line in read_ledger(tmp_path / "ledger.jsonl") if line.what == "start"] == ["A/fake"]
    assert (tmp_path / "starts").read_text().split() == ["B/fake", "B/fake"]


def _elsewhere(plan: Plan, settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    """Execute a plan in a process that believes to be on another machine."""
    name_it = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    if subprocess.run([*name_it, "true"], capture_output=True).returncode:
        pytest.skip("missing: the right to be another host")
    program = (
        "import sys; from pathlib import Path; from prefect_swarm.testing.engine import run_plan; "
        "from prefect_swarm.core.plan import Plan; from prefect_swarm.core.settings import Settings; "
        "plan, settings, run, output = sys.argv[1:]; "
        "run_plan(Plan.model_validate_json(plan), run, settings=Settings.model_validate_json(settings),"
        " output=Path(output))"
    )
    words = [plan.model_dump_json(), settings.model_dump_json(), RUN, str(folder)]
    return subprocess.Popen([*name_it, sys.executable, "-c", program, *words])


def _hold(stage: Stage, plan: Plan) -> Tenure:
    stage.journal.create(stage.run_id, plan)
    return Tenure(stage.journal, stage.run_id, period=stage.settings.lease_seconds, lost=lambda _error: None)


def _run(stage: Stage, plan: Plan, aside: ThreadPoolExecutor) -> Future[State[Any]]:
    return aside.submit(copy_context().run, stage.run, plan)


def _flow_run(stage: Stage) -> FlowRun | None:
    named = FlowRunFilter(name=FlowRunFilterName(any_=[stage.run_id]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=named)
    running = (one for one in found if one.state is not None and one.state.is_running())
    return next(running, None)


def _starts(project: Project) -> Counter[str]:
    return Counter(line.item for line in project.ledger() if line.what == "start")
