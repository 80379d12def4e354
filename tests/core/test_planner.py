"""Compiling a plan: who does what, in which order, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_swarm.core.errors import RequirementError, UsageError
from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.planner import PlanOptions, compile_plan
from prefect_swarm.core.reading import read_requirements
from prefect_swarm.core.roster import AgentCard, Roster, RunnerSpec, Stage
from prefect_swarm.core.settings import Settings

ROSTER = Roster(
    cards=(
        AgentCard(name=AgentName("rapid-builder"), description="Builds features."),
        AgentCard(
            name=AgentName("designer"), description="Designs pages and screens.", stage=Stage.DESIGN, max_retries=7
        ),
        AgentCard(
            name=AgentName("tester"), description="Writes tests.", stage=Stage.VERIFY, runner=RunnerSpec(kind="claude")
        ),
    ),
    warnings=("a card is odd",),
)


def plan(text: str, options: PlanOptions | None = None) -> Plan:
    """Compile a requirements file against three agents."""
    return compile_plan(read_requirements(text.encode(), "shop.yaml"), ROSTER, options)


def edges(found: Plan) -> dict[str, tuple[str, ...]]:
    """Each item with what it waits for."""
    return {item.id: item.depends_on for item in found.items}


def test_one_best_agent_does_a_requirement() -> None:
    """Without a word on agents each requirement gets the one that its words speak for."""
    found = plan("[Show the orders on a page, Write tests for refunds, Something else]")

    assert [item.agent for item in found.items] == ["designer", "tester", "rapid-builder"]
    assert found.items[0].choice.reason == "words: page"
    assert [card.name for card in found.agents] == ["rapid-builder", "designer", "tester"]


def test_a_guess_without_ground_is_uncertain() -> None:
    """Where no word speaks for an agent, the default one is taken and marked, with the best three."""
    choice = plan("[Something else]").items[0].choice

    assert (choice.reason, choice.confidence, choice.uncertain) == ("the default agent", 0, True)
    assert choice.candidates == ("rapid-builder", "designer", "tester")


def test_agents_of_the_file_win() -> None:
    """Named agents do the work, in the order of their stages, each waiting for the one before."""
    found = plan("[{title: Show a page, agents: [tester, Rapid-Builder]}]")

    assert edges(found) == {"REQ-001/rapid-builder": (), "REQ-001/tester": ("REQ-001/rapid-builder",)}
    assert found.items[0].choice.reason == "named in the file"


def test_a_chain_wins_over_everything() -> None:
    """`--chain` gives every requirement exactly these agents, in the given order."""
    found = plan("[{title: a, agents: [tester]}]", PlanOptions(chain=("tester", "designer")))

    assert edges(found) == {"REQ-001/tester": (), "REQ-001/designer": ("REQ-001/tester",)}


def test_a_team_adds_the_best_of_each_stage() -> None:
    """A team adds one agent for each stage that the best agent does not cover."""
    found = plan("project: {team: [design, build, verify]}\nrequirements: [Something else]")

    assert [item.agent for item in found.items] == ["designer", "rapid-builder", "tester"]
    assert found.items[0].choice.reason.startswith("best of stage design")
    assert sum(item.effort for item in found.items) == pytest.approx(1)


def test_requirements_wait_for_the_last_items_of_others() -> None:
    """A requirement starts when the last items of those it depends on are verified."""
    found = plan("[{title: a, depends_on: [B]}, {id: B, title: b, agents: [designer, tester]}]")

    assert edges(found) == {
        "REQ-001/rapid-builder": ("B/tester",),
        "B/designer": (),
        "B/tester": ("B/designer",),
    }


def test_done_requirements_count_as_met() -> None:
    """A requirement that is done gets no items, and nobody waits for it."""
    found = plan("[{title: a, depends_on: [B]}, {id: B, title: b, done: true}]")

    assert edges(found) == {"REQ-001/rapid-builder": ()}
    assert len(found.requirements) == 2


def test_retries_come_from_card_or_priority() -> None:
    """The card's own number wins; else high priorities get more."""
    found = plan("[{title: a, agents: [designer, tester], priority: high}, {title: b, agents: [tester]}]")

    assert [item.retries for item in found.items] == [7, 3, 2]


def test_runners_and_their_reasons() -> None:
    """A card's runner wins over the default; without any the item has none and says why."""
    with_default = PlanOptions(default_runner=RunnerSpec(kind="codex"), runner_reason="named by --runner")

    first, second = plan("[{title: a, agents: [designer, tester]}]", with_default).items
    alone = plan("[{title: a, agents: [designer]}]").items[0]

    assert (first.runner, first.runner_reason) == (RunnerSpec(kind="codex"), "named by --runner")
    assert (second.runner, second.runner_reason) == (RunnerSpec(kind="claude"), "named in the agent's card")
    assert (alone.runner, alone.runner_reason) == (None, "no runner was chosen")


def test_a_rehearsal_replaces_every_runner() -> None:
    """In a rehearsal no real agent is run, and the plan says so."""
    found = plan("[{title: a, agents: [tester]}]", PlanOptions(rehearsal=True))

    assert found.rehearsal
    assert found.items[0].runner == RunnerSpec(kind="rehearsal")


def test_wrong_agents_are_told_together() -> None:
    """Unknown agents and agents named twice are refused in one report, with place and suggestion."""
    with pytest.raises(RequirementError) as caught:
        plan("- {title: a, agents: [testr]}\n- {title: b, agents: [tester, Tester]}")

    assert str(caught.value) == (
        "shop.yaml:1:3: REQ-001 asks for testr, which is no agent; did you mean tester?\n"
        "shop.yaml:2:3: REQ-002 names the agent tester twice; take one out"
    )


def test_a_wrong_chain_is_a_usage_error() -> None:
    """Unknown names and names given twice in a chain are told as wrong usage."""
    with pytest.raises(UsageError, match="--chain: testr is no agent; did you mean tester"):
        plan("[a]", PlanOptions(chain=("testr",)))
    with pytest.raises(UsageError, match="--chain: tester stands twice"):
        plan("[a]", PlanOptions(chain=("tester", "tester")))


def test_warnings_are_carried_on() -> None:
    """What was odd in the file, in the cards and about the project type stands in the plan."""
    found = plan("colour: red\nrequirements: [a]", PlanOptions(project_type="web_ap"))

    assert [warning.split(";")[0] for warning in found.warnings] == [
        "shop.yaml:1:1: the key colour is not understood and kept as a note",
        "a card is odd",
        "the project type web_ap is not known and changes nothing",
    ]


def test_the_type_of_the_command_line_wins() -> None:
    """The project type given as an option replaces the file's."""
    assert (
        plan("project: {type: library}\nrequirements: [a]", PlanOptions(project_type="web_app")).project.type
        == "web_app"
    )


def test_no_choice_is_uncertain_without_a_threshold() -> None:
    """The confidence below which a choice is uncertain is a setting."""
    assert not plan("[a]", PlanOptions(settings=Settings(confidence=0))).items[0].choice.uncertain


@given(st.lists(st.text(alphabet="abc page test", min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_the_same_input_gives_the_same_plan(texts: list[str]) -> None:
    """Compiling twice gives the same digest."""
    text = "\n".join(f'- "{text}"' for text in texts)

    assert plan(text).digest == plan(text).digest
