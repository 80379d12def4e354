"""Runs without an engine: a made-up plan, and a journal filled with what an engine could have written."""

from collections.abc import Iterator

from prefect_swarm.core import events as on
from prefect_swarm.core.ids import AgentName, ItemId, RequirementId, RunId, item_id
from prefect_swarm.core.plan import Choice, Plan, WorkItem
from prefect_swarm.core.policy import POLICIES, Failure
from prefect_swarm.core.requirement import FileCheck, Priority, Project, Requirement, RunCheck, Source, TextCriterion
from prefect_swarm.core.roster import AgentCard, Rights, RunnerSpec, Stage
from prefect_swarm.journal.store import Journal

RUN = RunId("scene-1")
TITLES = (
    "User can log in",
    "User can register with an e-mail address",
    "Passwords are reset by mail",
    "Card payments",
    "Orders are listed newest first",
    "Orders can be exported as CSV",
    "Admin sees all accounts",
    "The API is rate-limited",
)
AGENTS = ("rapid-builder", "api-integrator", "database-expert", "frontend-specialist")
_RUNNER = RunnerSpec(kind="command")


def plan_of(count: int, *, rehearsal: bool = False) -> Plan:
    """Make a plan of so many requirements, one item each; every fourth waits for the one before it."""
    return Plan(
        project=Project(name="TaskFlow", type="full_stack_api", description="Tasks, orders and payments"),
        requirements=tuple(_requirement(number) for number in range(1, count + 1)),
        agents=tuple(AgentCard(name=AgentName(name), description=f"Does the work of a {name}") for name in AGENTS),
        items=tuple(_item(number) for number in range(1, count + 1)),
        rehearsal=rehearsal,
    )


def item_of(number: int) -> ItemId:
    """Name the item of the requirement with that number, counted from 1."""
    return item_id(_name(number), AgentName(_agent(number)))


def _name(number: int) -> RequirementId:
    return RequirementId(f"REQ-{number:03}")


def _agent(number: int) -> str:
    return AGENTS[(number - 1) % len(AGENTS)]


def _waits_for(number: int) -> tuple[int, ...]:
    return (number - 1,) if number % 4 == 0 else ()


def _requirement(number: int) -> Requirement:
    title = TITLES[(number - 1) % len(TITLES)]
    return Requirement(
        id=_name(number),
        title=title,
        priority=Priority.HIGH if number == 1 else Priority.MEDIUM,
        depends_on=tuple(_name(one) for one in _waits_for(number)),
        acceptance=(
            RunCheck(argv=("pytest", "-q")),
            FileCheck(path=f"src/part_{number}.py"),
            TextCriterion(text=f"{title}, and it is pleasant to use"),
        ),
        source=Source(file="requirements.yaml", line=number, column=1),
    )


def _item(number: int) -> WorkItem:
    return WorkItem(
        id=item_of(number),
        requirement=_name(number),
        agent=AgentName(_agent(number)),
        stage=Stage.BUILD,
        runner=_RUNNER,
        runner_reason="of the scene",
        rights=Rights.EDIT,
        priority=Priority.HIGH if number == 1 else Priority.MEDIUM,
        depends_on=tuple(item_of(one) for one in _waits_for(number)),
        effort=1.0,
        retries=2,
        timeout=600.0,
        choice=Choice(reason="of the scene", confidence=1.0),
    )


class Scene:
    """One run in a journal, moved on by hand; it holds the lease, as an executor would."""

    def __init__(self, journal: Journal, plan: Plan, run_id: RunId = RUN) -> None:
        """Make the run and start it."""
        self.journal, self.plan, self.run_id = journal, plan, run_id
        journal.create(run_id, plan)
        self.epoch = journal.take_lease(run_id, period=3600.0)
        self.tell(
            on.RunStarted(plan=plan.digest, max_parallel=3, rehearsal=plan.rehearsal, output="/tmp/taskflow"),  # noqa: S108 - only shown
            on.PlanCompiled(plan=plan.digest, requirements=len(plan.requirements), items=len(plan.items)),
        )

    def tell(self, *events: on.Event) -> tuple[on.Record, ...]:
        """Append the events in one commit."""
        return self.journal.append(self.run_id, events, epoch=self.epoch)

    def start(self, number: int, *, attempt: int = 1) -> None:
        """Have an agent begin to work on an item."""
        item = item_of(number)
        ready = (on.ItemReady(item=item),) if attempt == 1 else ()
        self.tell(*ready, on.AttemptStarted(item=item, attempt=attempt))

    def progress(self, number: int, fraction: float, message: str) -> None:
        """Have the agent say how far it is."""
        self.tell(on.AttemptProgressed(item=item_of(number), attempt=1, fraction=fraction, message=message))

    def verify(self, number: int) -> None:
        """Have a started item reported, checked and verified."""
        self.tell(*_ending(item_of(number), number))

    def retry(self, number: int, *, delay: float) -> None:
        """Have the attempt fail its checks, and a retry scheduled."""
        item = item_of(number)
        failure = on.AttemptFailed(
            item=item, attempt=1, failure=Failure.CHECK_FAILED, reason="run: pytest -q exited with 1"
        )
        due = self.journal.clock() + delay
        self.tell(failure, on.RetryScheduled(item=item, attempt=2, delay=delay, due=due))

    def fail(self, number: int, reason: str) -> None:
        """Have a started item fail for good, and what waits for it blocked."""
        item = item_of(number)
        remedy = POLICIES[Failure.AGENT_FAILED].remedy
        self.tell(
            on.AttemptFailed(item=item, attempt=1, failure=Failure.AGENT_FAILED, reason=reason, output=reason),
            on.ItemFailed(item=item, failure=Failure.AGENT_FAILED, reason=reason, remedy=remedy),
            *(
                on.ItemBlocked(item=one, cause=item, reason=f"waits for {item}, which failed")
                for one in self.plan.dependents[item]
            ),
        )

    def end(self, outcome: str = "completed") -> None:
        """End the run and give the lease back."""
        self.tell(on.RunEnded.model_validate({"outcome": outcome}))
        self.journal.release_lease(self.run_id, self.epoch)


def whole_story(plan: Plan) -> Iterator[on.Event]:
    """Tell a run in which every item is done at the first attempt, one after the other."""
    yield on.RunStarted(plan=plan.digest, max_parallel=3, rehearsal=plan.rehearsal)
    for number, item in enumerate(plan.items, 1):
        yield on.ItemReady(item=item.id)
        yield on.AttemptStarted(item=item.id, attempt=1)
        yield on.AttemptProgressed(item=item.id, attempt=1, fraction=0.5, message="half way")
        yield from _ending(item.id, number)
    yield on.RunEnded(outcome="completed")


def lively(scene: Scene) -> None:
    """Bring a run of eight requirements to a point where much is to be seen."""
    for number in (1, 2, 3, 5):
        scene.start(number)
        scene.progress(number, 0.4, "reading the code")
    scene.verify(1)
    scene.verify(2)
    scene.fail(3, "ModuleNotFoundError: no module named 'mailer'")
    scene.progress(5, 0.65, "writing src/orders/listing.py")
    scene.start(6)
    scene.retry(6, delay=15.0)
    scene.start(7)
    scene.progress(7, 0.2, "planning the table of accounts")
    scene.tell(
        on.CheckpointSaved(number=1, completed=2, digest="0" * 64),
        on.ErrorOccurred(
            where="prefect", message="Prefect's server did not answer for 4 s", remedy="nothing; it was tried again"
        ),
        on.InterventionRequested(question="q1", items=(item_of(3),), reason="1 item failed and blocks another"),
    )


def _ending(item: ItemId, number: int) -> Iterator[on.Event]:
    files = (on.FileChange(path=f"src/part_{number}.py", change="created", size=120),)
    yield on.AttemptReported(item=item, attempt=1, seconds=12.0 + number, summary="done", files=files)
    for title, kind in (("run: pytest -q", "run"), (f"file: src/part_{number}.py", "file")):
        yield on.CheckFinished(
            item=item, attempt=1, evidence=on.Evidence(title=title, kind=kind, passed=True, seconds=0.4)
        )
    yield on.ItemVerified(item=item, attempt=1, seconds=12.0 + number)
