"""A run without an engine: what the scheduler decides is performed by appending events, in virtual time."""

from dataclasses import dataclass, field
from random import Random
from typing import assert_never

from tests.core.histories import RUN

from prefect_swarm.core import events as on
from prefect_swarm.core.agenda import Agenda
from prefect_swarm.core.graph import efforts, ranks
from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.policy import POLICIES, Failure, may_retry
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.scheduler import Action, Ask, Block, Finish, Interrupt, Limits, Mark, Start, decide
from prefect_swarm.core.state import AT_WORK, ItemState, ItemStatus, RunState, RunStatus, initial_state

PATIENCE = 2_000
"""Steps after which a simulated run counts as endless."""


@dataclass(slots=True)
class Simulation:
    """One run of a plan, whose agents succeed and fail by chance."""

    plan: Plan
    chance: Random
    limits: Limits
    success: float = 0.8
    """How likely an attempt is to report, and then to be verified."""
    state: RunState = field(init=False)
    records: list[on.Record] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    agenda: Agenda = field(init=False)
    now: float = 0.0

    def __post_init__(self) -> None:
        """Begin the run."""
        self.state = initial_state(RUN, self.plan)
        self.agenda = Agenda(self.plan, self.state, ranks(self.plan, efforts(self.plan)))
        self.tell(on.RunStarted(plan=self.plan.digest, max_parallel=self.limits.max_parallel))

    def tell(self, *events: on.Event) -> None:
        """Append events and fold them."""
        for event in events:
            record = on.Record(RUN, 1, self.state.seq + 1, self.now, event)
            self.state = fold(self.state, [record])
            self.records.append(record)

    def decide(self) -> tuple[Action, ...]:
        """Ask the scheduler what to do now."""
        self.agenda.follow(self.state)
        return decide(self.agenda, self.limits, self.now)

    def run(self, *, steps: int = PATIENCE) -> None:
        """Go on until the run has ended or is left, at most so many steps."""
        for _ in range(steps):
            if self.over:
                return
            self.step()

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state.status.ended or self.state.status is RunStatus.INTERRUPTED

    def step(self) -> None:
        """Perform what is decided; where nothing is, let something happen."""
        actions = self.decide()
        for action in actions:
            self.actions.append(action)
            self._perform(action)
        if not actions:
            self._happen()

    def _perform(self, action: Action) -> None:
        match action:
            case Start():
                self.tell(on.ItemReady(item=action.item.id))
            case Block():
                self.tell(on.ItemBlocked(item=action.item.id, cause=action.cause, reason=action.reason))
            case Mark():
                self._mark(action.completed)
            case Ask():
                self._answer(action.items)
            case Interrupt():
                self.tell(on.RunPaused(status="interrupted", reason="stopped by its operator"))
            case Finish():
                self.tell(on.RunEnded(outcome=action.outcome, reason=action.reason))
            case _:
                assert_never(action)

    def _mark(self, completed: int) -> None:
        number = self.state.checkpoint + 1
        self.tell(on.CheckpointSaved(number=number, completed=completed, digest="0" * 64))

    def _answer(self, items: tuple[ItemId, ...]) -> None:
        self.tell(on.InterventionRequested(question="q", items=items, reason="failed"))
        for item in items:
            action = self.chance.choice(("retry", "skip"))
            self.tell(
                on.InterventionDecided.model_validate({"question": "q", "item": item, "action": action, "by": "me"})
            )

    def _happen(self) -> None:
        """Let an attempt begin or end, or time pass."""
        working = [item for item in self.state.items.values() if item.status in AT_WORK]
        waiting = [item for item in self.state.items.values() if self._admissible(item)]
        free = len(working) < self.limits.max_parallel
        if waiting and free and (not working or self.chance.random() < 0.5):
            one = self.chance.choice(waiting)
            self.tell(on.AttemptStarted(item=one.id, attempt=one.attempt + 1))
        elif working:
            self._end(self.chance.choice(working))
        else:
            self.now += 1.0

    def _admissible(self, item: ItemState) -> bool:
        if self.limits.draining:
            return False
        due = item.status is ItemStatus.RETRY_WAITING and (item.due or 0.0) <= self.now
        return due or item.status is ItemStatus.READY

    def _end(self, item: ItemState) -> None:
        if self.chance.random() < self.success:
            if item.status is ItemStatus.RUNNING:
                self.tell(on.AttemptReported(item=item.id, attempt=item.attempt, seconds=1.0))
            else:
                self.tell(on.ItemVerified(item=item.id, attempt=item.attempt, seconds=1.0))
            return
        failure = self.chance.choice([one for one in Failure if one is not Failure.INTERRUPTED])
        used = item.used + POLICIES[failure].counts
        self.tell(on.AttemptFailed(item=item.id, attempt=item.attempt, failure=failure, reason="broke"))
        if may_retry(failure, used, self.plan.item_by_id[item.id].retries):
            self.tell(on.RetryScheduled(item=item.id, attempt=item.attempt + 1, delay=3.0, due=self.now + 3.0))
        else:
            self.tell(on.ItemFailed(item=item.id, failure=failure, reason="broke", remedy="mend it"))

    def interrupt_attempts(self) -> None:
        """End all attempts at once, as the second Ctrl-C does."""
        for item in self.state.items.values():
            if item.status in AT_WORK:
                failure = Failure.INTERRUPTED
                self.tell(on.AttemptFailed(item=item.id, attempt=item.attempt, failure=failure, reason="stopped"))
