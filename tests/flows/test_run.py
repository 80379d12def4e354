"""A plan executed as a Prefect flow: what is done, in which order, and what Prefect is told of it."""

from itertools import pairwise
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.client.schemas.objects import TaskRun, TaskRunResult

from prefect_swarm.core.events import AttemptStarted, ItemVerified, PrefectStateChanged, RetryScheduled
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.requirement import FileCheck, Priority, RunCheck
from prefect_swarm.core.state import ItemStatus, RunStatus
from prefect_swarm.flows.compile import compile_flow
from prefect_swarm.flows.orchestrate import orchestrate
from prefect_swarm.testing.fakeagent import most_at_once
from prefect_swarm.testing.plans import Part, file_of, plan_of
from prefect_swarm.testing.project import Project
from prefect_swarm.testing.stage import Stage
from prefect_swarm.testing.waiting import wait_for


def test_a_run_whose_checks_pass_is_completed(stage: Stage) -> None:
    """Every item of a plan is worked on once, verified, and the flow run is Completed."""
    plan = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("A",)), ledger=stage.ledger_path)

    told = stage.run(plan)

    state = stage.state(plan)
    assert told.is_completed()
    assert state.status is RunStatus.COMPLETED
    assert {item.status for item in state.items.values()} == {ItemStatus.VERIFIED}
    assert sorted(line.item for line in stage.ledger() if line.what == "start") == ["A/fake", "B/fake", "C/fake"]
    assert (stage.workspace / file_of("C")).read_text() == "C/fake\n"


def test_an_item_starts_only_after_what_it_needs_is_verified(stage: Stage) -> None:
    """No attempt starts before every item it depends on is verified."""
    plan = plan_of(Part("A"), Part("B", needs=("A",)), Part("C", needs=("B",)), ledger=stage.ledger_path)

    stage.run(plan)

    order = [
        (one.event.type, one.event.item)
        for one in stage.records()
        if isinstance(one.event, AttemptStarted | ItemVerified)
    ]
    assert order == [(kind, f"{name}/fake") for name in "ABC" for kind in ("attempt_started", "item_verified")]


def test_a_failed_attempt_is_retried_with_its_evidence(stage: Stage) -> None:
    """The attempt after a failed check finds that check's evidence in its prompt."""
    check = RunCheck(argv=("sh", "-c", "echo the-sign-is-missing; test -f sign.txt"))
    script = (
        'import os; told = open(os.environ["SWARM_PROMPT_FILE"]).read().partition("Evidence")[2]; '
        '"the-sign-is-missing" in told and open("sign.txt", "w").close()'
    )
    plan = plan_of(Part("A", retries=1, acceptance=(check,), argv=("python3", "-c", script)))

    told = stage.run(plan)

    item = stage.state(plan).items[ItemId("A/fake")]
    assert told.is_completed()
    assert item.attempt == 2
    assert item.evidence[0].passed


def test_a_failure_blocks_what_depends_on_it_and_nothing_else(stage: Stage) -> None:
    """Dependents of a failed item are blocked with the reason; all else is done, and the run says so."""
    plan = plan_of(
        Part("A", script=("--fail", "9"), retries=1),
        Part("B", needs=("A",)),
        Part("C"),
        Part("D", needs=("C",)),
        ledger=stage.ledger_path,
    )

    told = stage.run(plan)

    items = stage.state(plan).items
    assert told.name == "CompletedWithFailures"
    assert told.is_failed()
    assert items[ItemId("A/fake")].failure is Failure.AGENT_FAILED
    assert items[ItemId("A/fake")].attempt == 2
    assert items[ItemId("B/fake")].status is ItemStatus.BLOCKED
    assert "A/fake" in items[ItemId("B/fake")].reason
    assert items[ItemId("D/fake")].status is ItemStatus.VERIFIED


def test_an_agent_that_lies_is_found_out(stage: Stage) -> None:
    """An agent that reports done without having done it fails by its check."""
    plan = plan_of(Part("A", acceptance=(FileCheck(path="never-written.txt"),)))

    told = stage.run(plan)

    item = stage.state(plan).items[ItemId("A/fake")]
    assert told.is_failed()
    assert (item.status, item.failure) == (ItemStatus.FAILED, Failure.CHECK_FAILED)
    assert not item.evidence[0].passed


def test_never_more_than_max_parallel_agents_work_at_once(stage: Stage) -> None:
    """Eight independent items on two slots use both slots and never a third."""
    stage.max_parallel = 2
    plan = plan_of(*(Part(f"P{n}", script=("--meet", "2")) for n in range(8)), ledger=stage.ledger_path)

    stage.run(plan)

    assert most_at_once(stage.ledger()) == 2


def test_a_waiting_retry_holds_no_slot(stage: Stage) -> None:
    """With one slot, another item works while a failed one waits for its retry."""
    stage.max_parallel, stage.retry_delays = 1, (2.0,)
    plan = plan_of(
        Part("A", script=("--fail", "1"), retries=1, priority=Priority.HIGH), Part("B"), ledger=stage.ledger_path
    )

    stage.run(plan)

    assert [line.item for line in stage.ledger() if line.what == "start"] == ["A/fake", "B/fake", "A/fake"]


def test_the_first_retry_comes_after_five_seconds(stage: Stage) -> None:
    """With the delays a user gets, a failed item is tried again after 5 s, not sooner."""
    stage.retry_delays = (5.0, 15.0, 30.0)
    plan = plan_of(Part("A", script=("--fail", "1"), retries=1), ledger=stage.ledger_path)

    stage.run(plan)

    starts = [line.at for line in stage.ledger() if line.what == "start"]
    planned = next(one.event for one in stage.records() if isinstance(one.event, RetryScheduled))
    assert all(later - sooner >= 5.0 for sooner, later in pairwise(starts))
    assert len(starts) == 2
    assert planned.delay == 5.0


def test_more_urgent_items_go_first(stage: Stage) -> None:
    """With one slot, priority decides the order, then the order of the file."""
    stage.max_parallel = 1
    plan = plan_of(
        Part("A", priority=Priority.LOW), Part("B"), Part("C", priority=Priority.CRITICAL), ledger=stage.ledger_path
    )

    stage.run(plan)

    assert [line.item for line in stage.ledger() if line.what == "start"] == ["C/fake", "B/fake", "A/fake"]


def test_prefect_shows_every_item_with_its_state(stage: Stage) -> None:
    """Prefect has a task run for each item, named by it: Completed, Failed, or Blocked, with edges as in the plan."""
    failing, waiting = Part("A", script=("--fail", "9")), Part("B", needs=("A",))
    plan = plan_of(failing, waiting, Part("C", needs=("B",)), Part("D"), ledger=stage.ledger_path)

    stage.run(plan)

    shown = {one.name: one for one in _ended_task_runs(stage, 4)}
    assert {name: one.state_name for name, one in shown.items()} == {
        "A/fake": "Failed",
        "B/fake": "Blocked",
        "C/fake": "Blocked",
        "D/fake": "Completed",
    }
    assert _upstream(shown["B/fake"]) == [shown["A/fake"].id]
    assert _upstream(shown["C/fake"]) == [shown["B/fake"].id]


def test_prefects_states_are_in_the_stream(stage: Stage) -> None:
    """The journal tells what Prefect said of the flow run and of each task run."""
    plan = plan_of(Part("A", script=("--fail", "1"), retries=1), ledger=stage.ledger_path)

    stage.run(plan)

    said = [(one.event.item, one.event.name) for one in stage.records() if isinstance(one.event, PrefectStateChanged)]
    assert [name for item, name in said if item == "A/fake"] == ["Running", "Retrying", "Completed"]
    assert (None, "Completed") in said


def test_texts_reach_the_agent_byte_by_byte(stage: Stage) -> None:
    """What looks like a template, a variable or a type tag reaches the agent as the text it is."""
    text = "{{ prefect.variables.x }} {x} $HOME `id` __class__ {'__prefect_kind': 'json'} \u202e ß \U0001f600\tend"
    plan = plan_of(Part("A", description=text, script=("--copy-prompt", "prompt.txt")), ledger=stage.ledger_path)

    stage.run(plan)

    assert text.encode() in (stage.workspace / "prompt.txt").read_bytes()


def test_a_finished_run_is_not_done_again(stage: Stage) -> None:
    """Executing a completed run once more starts no agent and ends as it ended."""
    plan = plan_of(Part("A"), Part("B", needs=("A",)), ledger=stage.ledger_path)
    stage.run(plan)
    before = stage.ledger()

    told = stage.run(plan)

    assert told.is_completed()
    assert stage.ledger() == before


def test_resuming_a_failed_run_retries_what_failed(stage: Stage) -> None:
    """Executing a failed run again gives the failed item a new generation and unblocks what waited for it."""
    plan = plan_of(Part("A", script=("--fail", "1")), Part("B", needs=("A",)), Part("C"), ledger=stage.ledger_path)
    first = stage.run(plan)

    second = stage.run(plan)

    state = stage.state(plan)
    assert (first.name, second.is_completed()) == ("CompletedWithFailures", True)
    assert state.items[ItemId("A/fake")].generation == 2
    assert [line.item for line in stage.ledger() if line.what == "start"].count("C/fake") == 1


def _upstream(task_run: TaskRun) -> list[UUID]:
    return [one.id for one in task_run.task_inputs["wait_for"] if isinstance(one, TaskRunResult)]


def _ended_task_runs(stage: Stage, count: int) -> list[TaskRun]:
    """Wait until the server, which learns of task runs after the fact, shows so many that have ended."""
    named = FlowRunFilter(name=FlowRunFilterName(any_=[stage.run_id]))

    def look() -> list[TaskRun]:
        with get_client(sync_client=True) as client:
            return client.read_task_runs(flow_run_filter=named)

    def ended(shown: list[TaskRun]) -> bool:
        return len(shown) == count and all(one.state is not None and one.state.is_final() for one in shown)

    return wait_for(look, ended, what=f"{count} ended task runs")


def test_a_plan_is_a_flow_that_can_simply_be_called(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """`compile_flow(plan)()` is a run of its own, named after the project, under the settings of the environment."""
    monkeypatch.setenv("SWARM_HOME", stage.settings.home)
    plan = plan_of(Part("A"), project="Shop")
    flow = compile_flow(plan, output=stage.workspace)

    told = flow(return_state=True)

    assert flow.name == "Shop"
    assert told.is_completed()
    assert stage.journal.runs()[0].run_id.startswith("flow-")


def test_the_deployed_flow_reads_the_file_where_it_runs(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """`orchestrate` plans the file it is given and works beside it; texts do not become parameters."""
    monkeypatch.setenv("SWARM_HOME", stage.settings.home)
    project = Project(stage.folder / "shop", {})
    project.write(Part("A", description="a text that stays in its file"), Part("B", needs=("A",)))

    told = orchestrate(
        str(project.folder / "requirements.yaml"), agents=str(project.folder / "agents"), return_state=True
    )

    assert told.is_completed()
    assert (project.folder / file_of("B")).exists()
    run = stage.journal.runs()[0].run_id
    with get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(any_=[run]))
        (flow_run,) = client.read_flow_runs(flow_run_filter=named)
    assert "a text" not in str(flow_run.parameters)
