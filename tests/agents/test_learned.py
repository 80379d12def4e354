"""Choosing among the built-in agents, and between them and agents of a user."""

import json

import pytest
from tests.house.sources import REPOSITORY
from tests.trials import trials
from tools.train_selector import HERE, PARTS, Statement, ideas_of, judge, own_statements

from prefect_swarm.agents.learned import built_in_knowledge, learned_selector
from prefect_swarm.agents.registry import find_built_in
from prefect_swarm.core.features import Ideas, heard
from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.planner import PlanOptions, compile_plan
from prefect_swarm.core.reading import read_requirements
from prefect_swarm.core.roster import AgentCard, Roster
from prefect_swarm.core.selector import Candidate, Ranking

BUILT_IN = find_built_in()
SELECTOR = learned_selector(BUILT_IN)
LABELLED = REPOSITORY / ".cache" / "agents_dev.jsonl"
"""Statements of others with the agents that suit them; not ours to publish, so only some machines have them."""

HELD_OUT = {
    "requirements-analyst": (
        "Ask the harbour masters what slows them down and write up what they say",
        "Agree with the museum on which exhibits are in scope of the first version",
        "Acceptance criteria for the ferry timetable are unclear",
    ),
    "project-architect": (
        "Weigh an event log against plain tables for the ledger and record the decision",
        "The ledger must be cut into modules that can be exchanged one by one",
        "Propose an architecture for offline editing",
    ),
    "rapid-builder": (
        "As a beekeeper, I want to note the weight of each hive",
        "The system shall send the harbour master a message when a ship leaves",
        "Members can swap their shifts",
    ),
    "frontend-specialist": (
        "The tide table needs larger type and a night theme",
        "Show the berths as coloured boxes on a map",
        "As a skipper, I want a page with big buttons, so that I can use it with wet hands",
    ),
    "api-integrator": (
        "Fetch tide times from the hydrographic office's web service",
        "The system shall exchange manifests with the customs authority's external system",
        "Webhook that tells the crane software about arrivals",
    ),
    "database-expert": (
        "The system shall store every ship's name, length and draught",
        "Add a foreign key from berths to quays",
        "A voyage consists of legs, and each leg belongs to one ship",
    ),
    "ai-specialist": (
        "Predict when a container will be picked up with machine learning",
        "Recommend hikes that resemble those a walker liked",
        "Answer questions about tariffs with a language model",
    ),
    "security-auditor": (
        "Only the harbour master may change the tariff",
        "Crew passports shall be encrypted",
        "Lock the account after several wrong passwords",
    ),
    "quality-guardian": (
        "Add end-to-end tests for the mooring form",
        "Unit tests for the tide calculation",
        "Enable a lint rule against unused imports",
    ),
    "performance-optimizer": (
        "The berth plan shall be shown within two seconds",
        "The system shall handle 400 skippers at the same time",
        "Cache tide tables, the page is too slow",
    ),
    "devops-engineer": (
        "The harbour system shall be available 99.8 percent of the time",
        "Build and publish a container image for each release",
        "The server shall run on Debian",
    ),
    "documentation-writer": (
        "Write a guide for new harbour masters",
        "Document the settings of the tide importer",
        "The README misses how to install the crane simulator",
    ),
    "debug-specialist": (
        "Berth plan is empty after midnight",
        "Crash when a ship has no flag",
        "Tide chart shows wrong hour in summer",
    ),
    "code-migrator": (
        "Refactor the mooring module into smaller functions",
        "Replace the deprecated date library",
        "Upgrade the crane simulator to Python 3.13",
    ),
}
"""Statements that nothing was learned from."""

STRANGERS = Roster(
    default=AgentName("handyman"),
    cards=tuple(
        AgentCard(name=AgentName(name), description=said)
        for name, said in {
            "handyman": "General programmer for features, forms and business logic.",
            "pixel-crafter": "Use this agent for React components, CSS layouts, accessible screens and visual design.",
            "sre": "Kubernetes, CI pipelines, deployments, monitoring and uptime.",
            "data-modeller": "Designs PostgreSQL schemas, tables, indexes and migrations.",
            "pentester": "Looks for vulnerabilities, checks authentication, authorization and encryption.",
            "tech-writer": "Writes manuals, tutorials and API references.",
            "gardener": "Plans beds and sows vegetables: compost, seeds, greenhouse, irrigation.",
        }.items()
    ),
)
"""A roster that was never seen, descriptions alone."""


def best(text: str, roster: Roster = BUILT_IN, project_type: str = "") -> str:
    """The agent that is chosen."""
    return learned_selector(roster).rank(text, project_type).candidates[0].agent


def test_statements_never_seen_find_their_agent() -> None:
    """Of our own held-out statements most find their agent, and nearly all among the first three."""
    ranked = [
        (agent, [one.agent for one in SELECTOR.rank(text).candidates[:3]])
        for agent, texts in HELD_OUT.items()
        for text in texts
    ]
    wrong = [(agent, found) for agent, found in ranked if found[0] != agent]

    assert len(wrong) <= len(ranked) // 10, wrong
    assert sum(agent in found for agent, found in ranked) >= len(ranked) - 1, wrong


def test_held_out_statements_are_held_out() -> None:
    """Nothing was learned from a statement that tests judge with."""
    learned = {one.text for one in own_statements()}

    assert not learned & {text for texts in HELD_OUT.values() for text in texts}


@pytest.mark.skipif(not LABELLED.exists(), reason="needs the labelled statements, which are not in the repository")
def test_documents_never_seen_find_their_agents() -> None:
    """Learned without some documents, the right agent comes first, and more often where the selector is sure."""
    ideas = Ideas.of(ideas_of(HERE / "ideas.txt"))
    agents = {str(card.name): card.description for card in BUILT_IN.cards}
    judged = list(judge(LABELLED, ideas, agents, parts=trials(1, chaos=PARTS)))
    judged.sort(key=lambda one: -max(one[1]))
    names = list(agents)
    right = [names[odds.index(max(odds))] in one.suits for one, odds in judged]

    assert sum(right) / len(right) > 0.76
    assert sum(right[: len(right) // 2]) / (len(right) // 2) > 0.9


@pytest.mark.skipif(not LABELLED.exists(), reason="needs the labelled statements, which are not in the repository")
def test_statements_of_others_are_not_published() -> None:
    """No statement of the labelled file is among ours."""
    others = {plain(json.loads(line)["text"]) for line in LABELLED.read_text(encoding="utf-8").splitlines()}

    assert not others & {plain(one.text) for one in (*own_statements(), *held_out())}


def plain(text: str) -> str:
    """A text without what is easily changed in it."""
    return "".join(filter(str.isalnum, text.casefold()))


def held_out() -> list[Statement]:
    """The held-out statements."""
    return [Statement(text, {agent: 1}) for agent, texts in HELD_OUT.items() for text in texts]


def test_every_built_in_agent_was_learned_about() -> None:
    """The cards still say what they said when it was learned; else run tools/train_selector.py again."""
    assert built_in_knowledge().agents == {card.name: card.description for card in BUILT_IN.cards}


def test_what_was_learned_is_small() -> None:
    """The file that is installed has less than 300 kB."""
    assert (REPOSITORY / "agents" / "knowledge.json").stat().st_size < 300_000


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("Make the login screen responsive", "pixel-crafter"),
        ("The service shall have an uptime of 99.5 percent", "sre"),
        ("Add an index on the orders table", "data-modeller"),
        ("Prevent SQL injection in the search form", "pentester"),
        ("Write a tutorial for beginners", "tech-writer"),
        ("Sow seeds in the greenhouse", "gardener"),
        ("As a member, I want to cancel my booking", "handyman"),
    ],
)
def test_a_roster_never_seen_works_from_descriptions(text: str, agent: str) -> None:
    """Agents that nothing was learned about are chosen by what their descriptions say and mean."""
    assert best(text, STRANGERS) == agent


def test_an_agent_of_the_user_wins_what_its_card_speaks_of() -> None:
    """Beside the built-in agents a user's agents get their own work, and no other."""
    mixed = Roster(cards=(STRANGERS.cards[-1], *BUILT_IN.cards))

    assert best("Water the vegetables in the greenhouse by an irrigation schedule", mixed) == "gardener"
    assert all(best(texts[0], mixed) == best(texts[0]) for texts in HELD_OUT.values())


def test_a_built_in_name_with_another_text_is_another_agent() -> None:
    """What was learned belongs to a description, not to a name; a copy with the same description keeps it."""
    bard = AgentCard(name=AgentName("frontend-specialist"), description="Writes poems and songs.")
    copied = next(card for card in BUILT_IN.cards if card.name == bard.name).model_copy(update={"folder": "/mine"})
    others = tuple(card for card in BUILT_IN.cards if card.name != bard.name)
    page = "Put the save button on the left of the settings page"

    assert best(page, Roster(cards=(bard, *others))) != "frontend-specialist"
    assert best("A poem and a song for the launch", Roster(cards=(bard, *others))) == "frontend-specialist"
    assert best(page, Roster(cards=(copied, *others))) == "frontend-specialist"


def test_the_order_of_the_roster_decides_nothing() -> None:
    """The same agents in another order are ranked alike, with the same confidence."""
    turned = learned_selector(Roster(cards=BUILT_IN.cards[::-1]))

    for one in held_out():
        here, there = SELECTOR.rank(one.text, "web_app"), turned.rank(one.text, "web_app")
        assert [candidate.reason for candidate in here.candidates] == [one.reason for one in there.candidates]
        assert here == there


def test_one_text_has_another_best_agent_in_another_type_of_project() -> None:
    """The project's type tips the balance where words leave it open, and is told among the reasons."""
    texts = (
        "Every visit refers to a ship and a berth",
        "The system shall get the list of ships from the office",
        "Sample configuration of the crane",
        "Refactor the tests of the crane",
        "Find similar questions by meaning",
    )
    types = ("web_app", "api_service", "ai_solution", "library")
    tipped = [text for text in texts if len({best(text, project_type=name) for name in types}) > 1]

    assert tipped
    assert "usual for the project type" in SELECTOR.rank(tipped[0], "web_app").candidates[0].reasons


def test_reasons_are_words_of_the_statement() -> None:
    """What is given as a reason was said."""
    for one in held_out():
        spoken = heard(one.text)
        reasons = SELECTOR.rank(one.text).candidates[0].words

        assert reasons
        assert {word for reason in reasons for word in reason.split()} <= set(spoken), one.text


def test_another_selector_can_be_plugged_in() -> None:
    """A plan asks the selector it is given, and nothing else."""

    class Stubborn:
        """Chooses the same agent for everything."""

        def rank(self, text: str, project_type: str = "") -> Ranking:
            """Choose."""
            why = f"{project_type}: {len(text)} letters"
            return Ranking((Candidate(AgentName("ai-specialist"), 1, lambda: (why,)),), 0.75)

    requirements = read_requirements(b"[Show a page]", "shop.yaml")
    plan = compile_plan(requirements, BUILT_IN, PlanOptions(selector=Stubborn(), project_type="library"))

    assert plan.items[0].agent == "ai-specialist"
    assert plan.items[0].choice.confidence == 0.75
    assert plan.items[0].choice.reason == "words: library: 11 letters"
