"""What was asked: a project, its requirements and the criteria by which they count as met."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from prefect_swarm.core.ids import AgentName, RequirementId


class Value(BaseModel):
    """A frozen value that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Priority(StrEnum):
    """How much a requirement matters; the order of the members is the order of work."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the most pressing; smaller goes first."""
        return list(Priority).index(self)


class Source(Value):
    """Where in a file something was said; line and column count from 1."""

    file: str
    line: int = Field(ge=1)
    column: int = Field(ge=1)


class RunCheck(Value):
    """A command that must exit with `exit_code`; a string in the file is split into words, never given to a shell."""

    kind: Literal["run"] = "run"
    argv: tuple[str, ...] = Field(min_length=1)
    exit_code: int = 0
    timeout: float = Field(default=600.0, gt=0, description="Seconds until the command counts as hanging.")


class FileCheck(Value):
    """A file (or folder) that must exist below the workspace; `path` may be a glob."""

    kind: Literal["file"] = "file"
    path: str = Field(min_length=1)


class ContainsCheck(Value):
    """A file that must contain a text, or in whose lines a regular expression of Python's `re` is found."""

    kind: Literal["contains"] = "contains"
    file: str = Field(min_length=1)
    text: str | None = None
    pattern: str | None = None


class TextCriterion(Value):
    """A criterion in words, which only a person can call proved."""

    kind: Literal["text"] = "text"
    text: str = Field(min_length=1)


Criterion = Annotated[RunCheck | FileCheck | ContainsCheck | TextCriterion, Field(discriminator="kind")]
Check = RunCheck | FileCheck | ContainsCheck
"""The criteria that the engine runs itself."""


def criterion_title(criterion: Criterion) -> str:
    """Say a criterion in one line, as the file says it."""
    match criterion:
        case RunCheck():
            return "run: " + " ".join(criterion.argv)
        case FileCheck():
            return f"file: {criterion.path}"
        case ContainsCheck():
            return f"contains: {criterion.text or criterion.pattern} in {criterion.file}"
        case TextCriterion():
            return criterion.text


class Budget(Value):
    """What a requirement may cost at most."""

    usd: float | None = Field(default=None, gt=0)
    minutes: float | None = Field(default=None, gt=0)


class Requirement(Value):
    """One thing that was asked for."""

    id: RequirementId
    title: str
    description: str = ""
    priority: Priority = Priority.MEDIUM
    depends_on: tuple[RequirementId, ...] = ()
    agents: tuple[AgentName, ...] = ()
    acceptance: tuple[Criterion, ...] = ()
    effort: float | None = Field(default=None, gt=0, description="Story points.")
    budget: Budget | None = None
    category: str = ""
    done: bool = False
    source: Source

    @property
    def checks(self) -> tuple[Check, ...]:
        """The criteria that the engine runs itself, in the order of the file."""
        return tuple(one for one in self.acceptance if not isinstance(one, TextCriterion))


class Project(Value):
    """What the requirements belong to."""

    name: str = "project"
    type: str = ""
    description: str = ""
    team: tuple[str, ...] = ()


class RequirementSet(Value):
    """A requirements file as read: nothing of it is lost, what is no requirement is kept in `notes`."""

    project: Project = Project()
    requirements: tuple[Requirement, ...]
    notes: dict[str, JsonValue] = {}
    warnings: tuple[str, ...] = ()
