"""What will be done: work items, who does them, in which order, and why so."""

import hashlib
from functools import cached_property

from pydantic import Field

from prefect_swarm.core.ids import AgentName, ItemId, RequirementId
from prefect_swarm.core.requirement import Check, Priority, Project, Requirement, Value
from prefect_swarm.core.roster import AgentCard, Rights, RunnerSpec, Stage
from prefect_swarm.core.suggestions import Suggestion


class Choice(Value):
    """Why an agent was chosen."""

    reason: str
    confidence: float = Field(ge=0, le=1)
    uncertain: bool = False
    candidates: tuple[AgentName, ...] = ()


class WorkItem(Value):
    """One agent's work on one requirement."""

    id: ItemId
    requirement: RequirementId
    agent: AgentName
    stage: Stage
    runner: RunnerSpec | None = Field(description="None where no runner is known; such a plan cannot run.")
    runner_reason: str
    rights: Rights
    priority: Priority
    depends_on: tuple[ItemId, ...] = ()
    effort: float = Field(gt=0, description="Story points; shared evenly between the items of a requirement.")
    retries: int = Field(ge=0, le=50)
    timeout: float = Field(gt=0, description="Seconds an attempt may take.")
    choice: Choice


class Recipe(Value):
    """What a plan was compiled from, so that it can be compiled anew."""

    file: str = Field(description="The requirements file or folder, as it was named; relative to `folder`.")
    sha256: str = Field(description="Digest of the file's bytes, or of the names and bytes of a folder's files.")
    written_as: str = Field(default="", description="The format that it is read in; empty for the one it looks like.")
    folder: str = Field(description="Absolute folder of the project, whose `agents` are looked through.")
    agents: str = Field(default="", description="A folder of agents that is looked through first.")
    project_type: str = Field(default="", description="Wins over the type that the file names.")
    chain: tuple[str, ...] = Field(default=(), description="Exactly these agents, for every requirement.")
    runner: RunnerSpec | None = Field(default=None, description="The runner of agents whose card names none.")
    runner_reason: str = ""
    infer: bool = Field(default=False, description="Dependencies that the texts speak of were taken.")


class Plan(Value):
    """Everything a run needs to know before it starts; the same input compiles to the same plan."""

    project: Project
    requirements: tuple[Requirement, ...]
    agents: tuple[AgentCard, ...]
    items: tuple[WorkItem, ...]
    warnings: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    rehearsal: bool = False
    recipe: Recipe | None = Field(default=None, description="None for a plan that was not read from a file.")

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the plan's canonical JSON: `sha256:...`."""
        return "sha256:" + hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @cached_property
    def item_by_id(self) -> dict[ItemId, WorkItem]:
        """The items by id, in plan order."""
        return {item.id: item for item in self.items}

    @cached_property
    def requirement_by_id(self) -> dict[RequirementId, Requirement]:
        """The requirements by id, in file order."""
        return {one.id: one for one in self.requirements}

    @cached_property
    def agent_by_name(self) -> dict[AgentName, AgentCard]:
        """The cards of the agents that the plan uses."""
        return {card.name: card for card in self.agents}

    @cached_property
    def items_of(self) -> dict[RequirementId, tuple[WorkItem, ...]]:
        """The items of each requirement, in the order of their stages."""
        found: dict[RequirementId, list[WorkItem]] = {one.id: [] for one in self.requirements}
        for item in self.items:
            found[item.requirement].append(item)
        return {key: tuple(items) for key, items in found.items()}

    def checks_of(self, item: WorkItem) -> tuple[Check, ...]:
        """The checks that the engine runs for an item: those of its requirement, for the last item of it."""
        last = self.items_of[item.requirement][-1]
        return self.requirement_by_id[item.requirement].checks if item.id == last.id else ()

    @cached_property
    def dependents(self) -> dict[ItemId, tuple[ItemId, ...]]:
        """For each item the items that wait for it directly."""
        found: dict[ItemId, list[ItemId]] = {item.id: [] for item in self.items}
        for item in self.items:
            for upstream in item.depends_on:
                found[upstream].append(item.id)
        return {key: tuple(items) for key, items in found.items()}
