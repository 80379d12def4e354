"""Which agents there are: cards in the project's folders, then the built-in ones; a name found earlier wins."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from prefect_swarm.core.cards import read_card
from prefect_swarm.core.document import did_you_mean
from prefect_swarm.core.errors import Problem, RequirementError, UsageError
from prefect_swarm.core.ids import identity
from prefect_swarm.core.roster import AgentCard, Roster

FOLDERS = ("agents", ".claude/agents")
BUILT_IN = "prefect_swarm.agents.cards"


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file that may hold a card, with its folder (empty for a built-in one)."""

    name: str
    content: bytes
    folder: str


@dataclass
class Registry:
    """Collects cards in the order they are found, with everything that is wrong with their files."""

    cards: dict[str, AgentCard] = field(default_factory=dict)
    places: dict[str, CardFile] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def take(self, file: CardFile) -> None:
        """Read one file; a card whose name is known already is left out, within one folder it is refused."""
        try:
            read = read_card(file.content, file.name, folder=file.folder)
        except RequirementError as error:
            self.problems += error.problems
            return
        if read is None:
            return
        key = identity(read.card.name)
        first = self.places.setdefault(key, file)
        if first is file:
            self.cards[key] = read.card
            self.warnings += read.warnings
        elif first.folder == file.folder:
            said = f"the agent {read.card.name} stands twice; first in {first.name}"
            self.problems.append(Problem(said, file.name, 1, 1))

    def roster(self) -> Roster:
        """The cards as a roster; raises RequirementError with everything that is wrong in any file."""
        if self.problems:
            raise RequirementError(tuple(self.problems))
        cards = tuple(self.cards.values())
        names = [card.name for card in cards]
        for card in cards:
            if card.fallback is not None and card.fallback not in names:
                hint = did_you_mean(card.fallback, names)
                self.warnings.append(f"the fallback {card.fallback} of agent {card.name} is no agent{hint}")
        return Roster(cards=cards, warnings=tuple(self.warnings))


def find_roster(project: Path, agents: Path | None = None) -> Roster:
    """Find every agent: in `agents` if given, in the project's `agents` and `.claude/agents`, and the built-in ones.

    Markdown without front matter is no card and is skipped. Raises RequirementError with every problem of every card,
    UsageError where `agents` is no folder.
    """
    if agents is not None and not agents.is_dir():
        raise UsageError(f"--agents {agents}: there is no such folder")
    registry = Registry()
    given = [agents] if agents is not None else []
    places = {folder.resolve(): folder for folder in reversed([*given, *(project / name for name in FOLDERS)])}
    for folder in reversed(places.values()):  # `--agents agents` names a folder that is looked through anyway
        for file in _files(folder):
            registry.take(file)
    for file in _built_in():
        registry.take(file)
    return registry.roster()


def find_built_in() -> Roster:
    """Find the built-in agents alone."""
    registry = Registry()
    for file in _built_in():
        registry.take(file)
    return registry.roster()


def _files(folder: Path) -> Iterator[CardFile]:
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.md")):
        if path.is_file():
            yield CardFile(str(path), path.read_bytes(), str(path.parent.resolve()))


def _built_in() -> Iterator[CardFile]:
    found = sorted(resources.files(BUILT_IN).iterdir(), key=lambda file: file.name)
    for file in found:
        if file.name.endswith(".md"):
            yield CardFile(file.name, file.read_bytes(), "")
