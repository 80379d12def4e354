"""Who can be asked: an agent's card, read from Markdown with YAML front matter."""

from enum import StrEnum

from pydantic import Field, JsonValue

from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.requirement import Budget, Value


class Stage(StrEnum):
    """The part of the work an agent does; the order of the members is the order of work."""

    ANALYSE = "analyse"
    DESIGN = "design"
    BUILD = "build"
    VERIFY = "verify"
    DELIVER = "deliver"

    @property
    def rank(self) -> int:
        """0 for what comes first."""
        return list(Stage).index(self)


class Rights(StrEnum):
    """What an agent may do in its workspace."""

    READ = "read"
    EDIT = "edit"
    FULL = "full"


class RunnerSpec(Value):
    """How an agent is run: the kind of runner and its options, as the card says them."""

    kind: str
    options: dict[str, JsonValue] = {}


class AgentCard(Value):
    """One agent: what it is for, how it is run, and the words of its system prompt."""

    name: AgentName
    description: str
    tools: tuple[str, ...] = ()
    model: str | None = None
    prompt: str = ""
    stage: Stage = Stage.BUILD
    runner: RunnerSpec | None = None
    rights: Rights = Rights.EDIT
    keywords: tuple[str, ...] = ()
    timeout: float = Field(default=3600.0, gt=0, description="Seconds an attempt may take.")
    max_retries: int | None = Field(default=None, ge=0, le=50)
    budget: Budget | None = None
    concurrency: int | None = Field(default=None, ge=1)
    fallback: AgentName | None = None
    folder: str = Field(default="", description="Absolute folder of the card; empty for a built-in card.")


class Roster(Value):
    """The agents a plan may choose from, by name, in the order they were found."""

    cards: tuple[AgentCard, ...]
    default: AgentName = AgentName("rapid-builder")
    warnings: tuple[str, ...] = ()

    def find(self, name: str) -> AgentCard | None:
        """The card of that name, or None."""
        return next((card for card in self.cards if card.name == name), None)
