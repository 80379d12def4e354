"""Finding agents' cards on disk."""

from pathlib import Path

import pytest

from prefect_swarm.agents.registry import find_roster
from prefect_swarm.core.errors import RequirementError, UsageError
from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.roster import Rights, Stage

BUILT_IN = {
    "requirements-analyst", "project-architect", "rapid-builder", "frontend-specialist", "api-integrator",
    "database-expert", "ai-specialist", "security-auditor", "quality-guardian", "performance-optimizer",
    "devops-engineer", "documentation-writer", "debug-specialist", "code-migrator",
}  # fmt: skip


def write_card(folder: Path, name: str, more: str = "") -> Path:
    """Write a card into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text(f"---\nname: {name}\ndescription: From {folder.name}.\n{more}---\nPrompt.\n", encoding="utf-8")
    return path


def test_the_built_in_roster(tmp_path: Path) -> None:
    """Without cards of its own a project has the fourteen built-in agents, in order and without warnings."""
    roster = find_roster(tmp_path)

    assert {card.name for card in roster.cards} == BUILT_IN
    assert roster.warnings == ()
    assert roster.find(roster.default) is not None
    assert {card.name for card in roster.cards if card.rights is Rights.READ} == {
        "requirements-analyst",
        "security-auditor",
    }
    assert {card.stage for card in roster.cards} == set(Stage)


def test_built_in_cards_are_useful(tmp_path: Path) -> None:
    """Each built-in card has a prompt that says how to work, words to be chosen by, and no runner of its own."""
    for card in find_roster(tmp_path).cards:
        assert 10 <= len(card.prompt.splitlines()) <= 25
        assert len(card.keywords) >= 15
        assert (card.runner, card.folder) == (None, "")


def test_a_name_found_earlier_wins(tmp_path: Path) -> None:
    """The given folder comes before the project's, those before the built-in cards; the folder is kept."""
    write_card(tmp_path / "mine", "rapid-builder")
    write_card(tmp_path / "agents", "rapid-builder")
    write_card(tmp_path / ".claude" / "agents", "poet")

    roster = find_roster(tmp_path, tmp_path / "mine")
    builder, poet = roster.find("rapid-builder"), roster.find("poet")

    assert builder is not None
    assert (builder.description, builder.folder) == ("From mine.", str(tmp_path / "mine"))
    assert poet is not None
    assert len(roster.cards) == len(BUILT_IN) + 1


def test_other_markdown_is_skipped(tmp_path: Path) -> None:
    """A README among the cards is no problem."""
    write_card(tmp_path / "agents", "poet")
    (tmp_path / "agents" / "README.md").write_text("# Agents\n", encoding="utf-8")

    assert find_roster(tmp_path).find("poet") is not None


def test_all_cards_are_judged_at_once(tmp_path: Path) -> None:
    """One report holds the problems of every card, each with its file."""
    first = write_card(tmp_path / "agents", "one", "stage: biuld\n")
    second = write_card(tmp_path / "agents", "two", "rights: all\n")
    third = write_card(tmp_path / "agents", "three")
    (tmp_path / "agents" / "trio.md").write_bytes(third.read_bytes())

    with pytest.raises(RequirementError) as caught:
        find_roster(tmp_path)

    assert [problem.file for problem in caught.value.problems] == [
        str(first),
        str(tmp_path / "agents/trio.md"),
        str(second),
    ]
    assert "stands twice; first in" in str(caught.value)


def test_oddities_are_warnings(tmp_path: Path) -> None:
    """Unknown keys and a fallback that is no agent are told and refuse nothing."""
    write_card(tmp_path / "agents", "poet", "fallback: rapid-bilder\nmood: good\n")

    first, second = find_roster(tmp_path).warnings

    assert "the key mood is not understood and ignored" in first
    assert second == "the fallback rapid-bilder of agent poet is no agent; did you mean rapid-builder?"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """`--agents` with a wrong folder is wrong usage."""
    with pytest.raises(UsageError, match="there is no such folder"):
        find_roster(tmp_path, tmp_path / "nowhere")


def test_a_folder_that_is_named_and_usual_is_read_once(tmp_path: Path) -> None:
    """`--agents agents` finds the cards of ./agents, each once."""
    folder = tmp_path / "agents"
    folder.mkdir()
    (folder / "mine.md").write_text("---\nname: mine\ndescription: Mine.\n---\nWork.\n")

    roster = find_roster(tmp_path, folder)

    assert [card.name for card in roster.cards].count(AgentName("mine")) == 1
