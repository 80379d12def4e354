"""Choosing an agent by words."""

import pytest

from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.roster import AgentCard, Roster
from prefect_swarm.core.selector import selector_of, type_problem
from prefect_swarm.core.words import words_of

ROSTER = Roster(
    cards=(
        AgentCard(name=AgentName("rapid-builder"), description="Builds features."),
        AgentCard(name=AgentName("frontend-specialist"), description="Screens.", keywords=("page", "look and feel")),
        AgentCard(name=AgentName("indexer"), description="Indexes databases.", keywords=("index", "ai")),
    )
)
SELECTOR = selector_of(ROSTER)


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("Three pages", "frontend-specialist"),
        ("A familiar look and feel", "frontend-specialist"),
        ("A look around", "rapid-builder"),
        ("The orders are indexed", "indexer"),
        ("Send mail to the maid", "rapid-builder"),
        ("AI search", "indexer"),
    ],
)
def test_words_are_matched_as_words(text: str, agent: str) -> None:
    """Plurals and other endings count, parts of words do not, phrases only as a whole."""
    assert SELECTOR.rank(text).candidates[0].agent == agent


def test_reasons_are_the_words_that_were_said() -> None:
    """The reason shows words as the requirement has them, the strongest first."""
    assert SELECTOR.rank("A Page with look and feel").candidates[0].reason == "words: look and feel, page"


def test_cards_without_keywords_are_chosen_by_their_description() -> None:
    """A roster from elsewhere, of which only descriptions are known, works."""
    cards = (
        AgentCard(name=AgentName("rapid-builder"), description="Any."),
        AgentCard(name=AgentName("bard"), description="Writes poems."),
    )

    assert selector_of(Roster(cards=cards)).rank("A poem for each order").candidates[0].agent == "bard"


def test_the_project_type_raises_its_usual_agents() -> None:
    """The usual agents of a project type are preferred, and the reason says so."""
    usual = SELECTOR.rank("Something", "web_app").candidates

    assert usual[1].agent == "frontend-specialist"
    assert "usual for the project type" in usual[1].reason


def test_confidence_grows_with_what_speaks_for_the_best() -> None:
    """Nothing said is no confidence; more words for one agent are more."""
    nothing, one, two = (SELECTOR.rank(text).confidence for text in ("Hm", "A page", "A page with look and feel"))

    assert 0 == nothing < one < two < 1


def test_unknown_project_types_are_told() -> None:
    """An unknown type is told with the one that was probably meant; known and absent ones are fine."""
    assert "did you mean web_app?" in type_problem("webapp")
    assert type_problem("web_app") == type_problem("") == ""


@pytest.mark.parametrize(
    "text", ["cache caches cached caching", "story stories", "plan planned planning", "CI/CD ci cd"]
)
def test_forms_of_a_word_are_one_word(text: str) -> None:
    """Common English endings do not make another word."""
    found = words_of(text)

    assert len(set(found)) <= 2
    assert len(set(found)) == 1 or text.startswith("CI")
