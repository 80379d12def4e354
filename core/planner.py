"""How requirements become a plan: who does each of them, in which order, and the reason of every choice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from prefect_swarm.core.document import did_you_mean, shorten
from prefect_swarm.core.errors import Problem, RequirementError, UsageError
from prefect_swarm.core.ids import ItemId, RequirementId, identity, item_id
from prefect_swarm.core.plan import Choice, Plan, Recipe, WorkItem
from prefect_swarm.core.policy import retries_for
from prefect_swarm.core.requirement import Requirement, RequirementSet
from prefect_swarm.core.roster import AgentCard, Roster, RunnerSpec, Stage
from prefect_swarm.core.selector import Candidate, Ranking, Selector, selector_of, type_problem
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.suggestions import Suggestion, suggest, with_suggestions

DEFAULT_EFFORT = 1.0
UNCERTAIN_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan is compiled with besides the requirements and the agents."""

    settings: Settings = field(default_factory=Settings)
    project_type: str = ""
    """Wins over the type that the file names."""
    chain: tuple[str, ...] = ()
    """Exactly these agents, in this order, for every requirement."""
    default_runner: RunnerSpec | None = None
    """The runner of agents whose card names none."""
    runner_reason: str = "no runner was chosen"
    """Why the default runner is what it is."""
    rehearsal: bool = False
    selector: Selector | None = None
    """What chooses agents; None: the words of the cards."""
    recipe: Recipe | None = None
    """What the requirements and agents were read from."""
    infer: bool = False
    """Take the dependencies that the words of the requirements speak of."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """An agent chosen for a requirement, and why."""

    card: AgentCard
    choice: Choice


def compile_plan(requirements: RequirementSet, roster: Roster, options: PlanOptions | None = None) -> Plan:
    """Compile the plan; the same input gives the same plan, digest included.

    Raises RequirementError with every requirement that names an agent wrongly, UsageError for a wrong chain.
    """
    options = options or PlanOptions()
    suggestions = suggest(requirements.requirements)
    if options.infer:
        requirements = with_suggestions(requirements, suggestions)
        suggestions = tuple(one.model_copy(update={"taken": True}) for one in suggestions)
    return Planner(requirements, roster, options, suggestions).plan()


@dataclass
class Planner:
    """One compilation."""

    requirements: RequirementSet
    roster: Roster
    options: PlanOptions
    suggestions: tuple[Suggestion, ...]
    problems: list[Problem] = field(default_factory=list)

    @cached_property
    def _selector(self) -> Selector:
        return self.options.selector or selector_of(self.roster)

    @property
    def project_type(self) -> str:
        """The type that raises the prior of its usual agents."""
        return self.options.project_type or self.requirements.project.type

    def plan(self) -> Plan:
        """Choose the agents, then order their items."""
        chain = self._chain()
        chosen = {one.id: self._assign(one, chain) for one in self.requirements.requirements if not one.done}
        if self.problems:
            raise RequirementError(tuple(self.problems))
        used = {assignment.card.name for assignments in chosen.values() for assignment in assignments}
        return Plan(
            project=self.requirements.project.model_copy(update={"type": self.project_type}),
            requirements=self.requirements.requirements,
            agents=tuple(card for card in self.roster.cards if card.name in used),
            items=tuple(self._items(chosen)),
            warnings=tuple(self._warnings()),
            suggestions=self.suggestions,
            rehearsal=self.options.rehearsal,
            recipe=self.options.recipe,
        )

    def _warnings(self) -> Iterator[str]:
        yield from self.requirements.warnings
        yield from self.roster.warnings
        if problem := type_problem(self.project_type):
            yield problem

    def _chain(self) -> tuple[AgentCard, ...]:
        """The cards of the chain; raises UsageError for a name that is unknown or stands twice."""
        wrong = [
            f"{shorten(name)} is no agent{self._hint(name)}" for name in self.options.chain if not self._find(name)
        ]
        cards = tuple(card for name in self.options.chain if (card := self._find(name)))
        wrong += [f"{card.name} stands twice" for at, card in enumerate(cards) if card in cards[:at]]
        if wrong:
            raise UsageError(f"--chain: {'; '.join(wrong)}")
        return cards

    def _assign(self, requirement: Requirement, chain: tuple[AgentCard, ...]) -> tuple[Assignment, ...]:
        if chain:
            return tuple(Assignment(card, Choice(reason="named by --chain", confidence=1)) for card in chain)
        named = self._named(requirement) if requirement.agents else self._chosen(requirement)
        return tuple(sorted(named, key=lambda assignment: assignment.card.stage.rank))

    def _named(self, requirement: Requirement) -> list[Assignment]:
        found: list[Assignment] = []
        for name in requirement.agents:
            card = self._find(name)
            if card is None:
                self._refuse(requirement, f"asks for {shorten(name)}, which is no agent{self._hint(name)}")
            elif any(one.card.name == card.name for one in found):
                self._refuse(requirement, f"names the agent {card.name} twice; take one out")
            else:
                found.append(Assignment(card, Choice(reason="named in the file", confidence=1)))
        return found

    def _chosen(self, requirement: Requirement) -> list[Assignment]:
        """The best agent, and the best of each further stage of the team."""
        ranking = self._selector.rank(text_of(requirement), self.project_type)
        if not ranking.candidates:
            raise UsageError("there are no agents to choose from")
        best = ranking.candidates[0]
        found = [Assignment(self._card(best), self._choice(best, ranking))]
        for name in self.requirements.project.team:
            stage = Stage(name)
            of_stage = [one for one in ranking.candidates if self._card(one).stage is stage]
            if of_stage and all(one.card.stage is not stage for one in found):
                found.append(Assignment(self._card(of_stage[0]), self._choice(of_stage[0], ranking, stage=stage)))
        return found

    def _choice(self, candidate: Candidate, ranking: Ranking, *, stage: Stage | None = None) -> Choice:
        uncertain = stage is None and ranking.confidence < self.options.settings.confidence
        return Choice(
            reason=candidate.reason if stage is None else f"best of stage {stage} ({candidate.reason})",
            confidence=ranking.confidence if stage is None else 1,
            uncertain=uncertain,
            candidates=tuple(one.agent for one in ranking.candidates[:UNCERTAIN_CANDIDATES]) if uncertain else (),
        )

    def _items(self, chosen: Mapping[RequirementId, tuple[Assignment, ...]]) -> Iterator[WorkItem]:
        """Items of one requirement form a chain, whose first waits for the last of each requirement it depends on."""
        last = {name: item_id(name, assignments[-1].card.name) for name, assignments in chosen.items()}
        for requirement in self.requirements.requirements:
            upstream = tuple(last[name] for name in requirement.depends_on if name in last)
            assignments = chosen.get(requirement.id, ())
            for assignment in assignments:
                item = self._item(requirement, assignment, upstream=upstream, shared_by=len(assignments))
                upstream = (item.id,)
                yield item

    def _item(
        self, requirement: Requirement, assignment: Assignment, *, upstream: tuple[ItemId, ...], shared_by: int
    ) -> WorkItem:
        card = assignment.card
        runner, reason = self._runner(card)
        return WorkItem(
            id=item_id(requirement.id, card.name),
            requirement=requirement.id,
            agent=card.name,
            stage=card.stage,
            runner=runner,
            runner_reason=reason,
            rights=card.rights,
            priority=requirement.priority,
            depends_on=upstream,
            effort=(requirement.effort or DEFAULT_EFFORT) / shared_by,
            retries=retries_for(requirement.priority, card.max_retries, self.options.settings),
            timeout=card.timeout,
            choice=assignment.choice,
        )

    def _runner(self, card: AgentCard) -> tuple[RunnerSpec | None, str]:
        if self.options.rehearsal:
            return RunnerSpec(kind="rehearsal"), "a rehearsal was asked for"
        if card.runner is not None:
            return card.runner, "named in the agent's card"
        return self.options.default_runner, self.options.runner_reason

    def _find(self, name: str) -> AgentCard | None:
        return next((card for card in self.roster.cards if identity(card.name) == identity(name)), None)

    def _card(self, candidate: Candidate) -> AgentCard:
        return next(card for card in self.roster.cards if card.name == candidate.agent)

    def _hint(self, name: str) -> str:
        return did_you_mean(name, [card.name for card in self.roster.cards])

    def _refuse(self, requirement: Requirement, message: str) -> None:
        where = requirement.source
        self.problems.append(Problem(f"{requirement.id} {message}", where.file, where.line, where.column))


def text_of(requirement: Requirement) -> str:
    """What the selector reads of a requirement."""
    said = (requirement.title, requirement.description)
    return said[1] if said[1].strip().startswith(said[0]) else "\n".join(said)
