"""What people and programs are shown of a run: plan and state folded into one value for page, REST and terminal."""

from prefect_swarm.core.events import ErrorOccurred, Evidence, FileChange, ItemEvent, Record
from prefect_swarm.core.ids import AgentName, ItemId, RequirementId, RunId
from prefect_swarm.core.plan import Plan, WorkItem
from prefect_swarm.core.policy import POLICIES, Failure
from prefect_swarm.core.progress import Eta, eta, requirement_share, run_share, share
from prefect_swarm.core.requirement import Criterion, Priority, Requirement, TextCriterion, Value, criterion_title
from prefect_swarm.core.roster import Rights, Stage
from prefect_swarm.core.state import (
    AT_WORK,
    UNMET,
    ItemState,
    ItemStatus,
    RequirementStatus,
    RunState,
    RunStatus,
    requirement_status,
)


class ItemView(Value):
    """One work item as it is shown; times in seconds since 1970, percent from 0 to 100."""

    id: ItemId
    requirement: RequirementId
    agent: AgentName
    stage: Stage
    rights: Rights
    runner: str
    priority: Priority
    depends_on: tuple[ItemId, ...]
    status: ItemStatus
    percent: float
    generation: int
    attempt: int
    used: int
    """Attempts of this generation that count against the retries."""
    retries_left: int
    reused: RunId | None
    """The run whose finished work this is; null where an agent worked for it here."""
    since: float | None
    started: float | None
    due: float | None
    seconds: float | None
    message: str
    failure: Failure | None
    reason: str
    remedy: str
    cause: ItemId | None
    """The item that blocks this one."""
    guidance: str
    """What a person told the agent."""
    summary: str
    evidence: tuple[Evidence, ...]
    files: tuple[FileChange, ...]
    output: str
    """Tail of what the last failed attempt printed."""
    folder: str
    """Where prompt, result and log of the latest attempt lie."""
    task_run_id: str | None


class CriterionView(Value):
    """One criterion and what became of it."""

    title: str
    kind: str
    status: str
    """proved, failed, unproved."""


class RequirementView(Value):
    """One requirement as it is shown."""

    id: RequirementId
    title: str
    description: str
    priority: Priority
    status: RequirementStatus
    percent: float
    depends_on: tuple[RequirementId, ...]
    agents: tuple[AgentName, ...]
    items: tuple[ItemId, ...]
    criteria: tuple[CriterionView, ...]
    reason: str


class AgentView(Value):
    """One agent of the plan and what it did so far."""

    name: AgentName
    description: str
    runner: str
    running: tuple[ItemId, ...]
    items: int
    verified: int
    failed: int
    attempts: int


class QuestionView(Value):
    """What a person is asked."""

    id: str
    items: tuple[ItemId, ...]
    reason: str


class ProgressView(Value):
    """The figures of the whole run."""

    status: RunStatus
    reason: str
    percent: float
    eta: Eta | None
    items: dict[ItemStatus, int]
    requirements: dict[RequirementStatus, int]
    criteria: int
    proved: int
    started: float | None
    ended: float | None
    checkpoint: int
    flow_run_id: str | None
    questions: tuple[QuestionView, ...]
    errors: tuple[ErrorOccurred, ...]


class RunView(Value):
    """A run, whole: what a newcomer gets before the first event."""

    run_id: RunId
    project: str
    description: str
    rehearsal: bool
    max_parallel: int
    output: str
    stream: int
    seq: int
    progress: ProgressView
    requirements: tuple[RequirementView, ...]
    items: tuple[ItemView, ...]
    agents: tuple[AgentView, ...]


class RunUpdate(Value):
    """What changed with some events: the figures, and the requirements, items and agents they touched."""

    after: int
    """The seq of the last event that this follows from."""
    progress: ProgressView
    requirements: tuple[RequirementView, ...]
    items: tuple[ItemView, ...]
    agents: tuple[AgentView, ...]


def view_run(plan: Plan, state: RunState, now: float) -> RunView:
    """Show the whole run as of `now`."""
    return RunView(
        run_id=state.run_id,
        project=plan.project.name,
        description=plan.project.description,
        rehearsal=plan.rehearsal,
        max_parallel=state.max_parallel,
        output=state.output,
        stream=state.stream,
        seq=state.seq,
        progress=view_progress(plan, state, now),
        requirements=tuple(view_requirement(plan, state, one) for one in plan.requirements),
        items=tuple(view_item(item, state.items[item.id]) for item in plan.items),
        agents=_agents(plan, state, {item.agent for item in plan.items}),
    )


def touched(records: tuple[Record, ...]) -> frozenset[ItemId] | None:
    """Which items the records changed; None where it may be any (pause, resume, decision)."""
    if any(
        record.event.type in {"run_paused", "run_resumed", "run_rewound", "intervention_decided"} for record in records
    ):
        return None
    return frozenset(record.event.item for record in records if isinstance(record.event, ItemEvent))


def view_update(plan: Plan, state: RunState, changed: frozenset[ItemId] | None, now: float) -> RunUpdate:
    """Show what the changed items (None: all) mean for whoever has seen the run before."""
    items = [item for item in plan.items if changed is None or item.id in changed]
    requirements = {item.requirement for item in items}
    return RunUpdate(
        after=state.seq,
        progress=view_progress(plan, state, now),
        requirements=tuple(view_requirement(plan, state, one) for one in plan.requirements if one.id in requirements),
        items=tuple(view_item(item, state.items[item.id]) for item in items),
        agents=_agents(plan, state, {item.agent for item in items}),
    )


def view_item(item: WorkItem, state: ItemState) -> ItemView:
    """Show one item."""
    return ItemView(
        id=item.id,
        requirement=item.requirement,
        agent=item.agent,
        stage=item.stage,
        rights=item.rights,
        runner=item.runner.kind if item.runner else "none",
        priority=item.priority,
        depends_on=item.depends_on,
        status=state.status,
        percent=100 * share(state),
        generation=state.generation,
        attempt=state.attempt,
        used=state.used,
        retries_left=max(0, item.retries - state.used),
        reused=state.reused,
        since=state.since,
        started=state.started,
        due=state.due,
        seconds=state.seconds,
        message=state.message,
        failure=state.failure,
        reason=state.reason,
        remedy=POLICIES[state.failure].remedy if state.failure else "",
        cause=state.cause,
        guidance=state.guidance,
        summary=state.summary,
        evidence=state.evidence,
        files=state.files,
        output=state.output,
        folder=state.folder,
        task_run_id=state.task_run_id,
    )


def view_requirement(plan: Plan, state: RunState, requirement: Requirement) -> RequirementView:
    """Show one requirement."""
    items = plan.items_of[requirement.id]
    troubled = [state.items[item.id].reason for item in items if state.items[item.id].status in UNMET]
    return RequirementView(
        id=requirement.id,
        title=requirement.title,
        description=requirement.description,
        priority=requirement.priority,
        status=requirement_status(plan, state, requirement.id),
        percent=100 * requirement_share(plan, state, requirement.id),
        depends_on=requirement.depends_on,
        agents=tuple(item.agent for item in items),
        items=tuple(item.id for item in items),
        criteria=_criteria(plan, state, requirement),
        reason=next(iter(troubled), ""),
    )


def _criteria(plan: Plan, state: RunState, requirement: Requirement) -> tuple[CriterionView, ...]:
    items = plan.items_of[requirement.id]
    evidence = state.items[items[-1].id].evidence if items else ()
    found = {
        one.title: "proved" if one.passed and not one.rehearsed else "unproved" if one.passed else "failed"
        for one in evidence
    }
    return tuple(_criterion(one, found) for one in requirement.acceptance)


def _criterion(criterion: Criterion, found: dict[str, str]) -> CriterionView:
    title = criterion_title(criterion)
    status = "unproved" if isinstance(criterion, TextCriterion) else found.get(title, "unproved")
    return CriterionView(title=title, kind=criterion.kind, status=status)


def view_progress(plan: Plan, state: RunState, now: float) -> ProgressView:
    """Show the figures of the run as of `now`."""
    criteria = [one for requirement in plan.requirements for one in _criteria(plan, state, requirement)]
    statuses = [requirement_status(plan, state, one.id) for one in plan.requirements]
    return ProgressView(
        status=state.status,
        reason=state.reason,
        percent=100 * run_share(plan, state),
        eta=None if state.status.ended else eta(plan, state, now),
        items={one: count for one in ItemStatus if (count := state.count(one))},
        requirements={one: count for one in RequirementStatus if (count := statuses.count(one))},
        criteria=len(criteria),
        proved=sum(one.status == "proved" for one in criteria),
        started=state.started,
        ended=state.ended,
        checkpoint=state.checkpoint,
        flow_run_id=state.flow_run_id,
        questions=tuple(QuestionView(id=one.id, items=one.items, reason=one.reason) for one in state.questions),
        errors=state.errors,
    )


def _agents(plan: Plan, state: RunState, names: set[AgentName]) -> tuple[AgentView, ...]:
    return tuple(_agent(plan, state, card.name, card.description) for card in plan.agents if card.name in names)


def _agent(plan: Plan, state: RunState, name: AgentName, description: str) -> AgentView:
    mine = [item for item in plan.items if item.agent == name]
    states = [state.items[item.id] for item in mine]
    runner = mine[0].runner.kind if mine and mine[0].runner else "none"
    return AgentView(
        name=name,
        description=description,
        runner=runner,
        items=len(mine),
        running=tuple(one.id for one in states if one.status in AT_WORK),
        verified=sum(one.status is ItemStatus.VERIFIED for one in states),
        failed=sum(one.status is ItemStatus.FAILED for one in states),
        attempts=sum(one.attempt for one in states),
    )
