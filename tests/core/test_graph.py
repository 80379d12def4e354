"""Waves, critical path and the order in which slots are given."""

from prefect_swarm.core.graph import critical_path, efforts, ranks, waves
from prefect_swarm.core.ids import AgentName, ItemId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.planner import compile_plan
from prefect_swarm.core.reading import read_requirements
from prefect_swarm.core.roster import AgentCard, Roster

ROSTER = Roster(cards=(AgentCard(name=AgentName("x"), description="Does it."),))


def plan(text: str) -> Plan:
    """Compile requirements for one agent."""
    return compile_plan(read_requirements(text.encode(), "a.yaml"), ROSTER)


DIAMOND = plan(
    "[{id: D, title: d, depends_on: [B, C], priority: critical}, {id: B, title: b, depends_on: [A]},"
    "{id: C, title: c, depends_on: [A], effort: 5}, {id: A, title: a}, {id: E, title: e, priority: low}]"
)


def test_waves_follow_the_dependencies() -> None:
    """An item stands in the wave after the last one that it waits for, in plan order."""
    assert waves(DIAMOND) == (("A/x", "E/x"), ("B/x", "C/x"), ("D/x",))


def test_the_critical_path_is_the_longest_chain() -> None:
    """The chain with the greatest sum of durations decides how long a plan takes."""
    assert critical_path(DIAMOND, efforts(DIAMOND)) == ("A/x", "C/x", "D/x")


def test_ranks_inherit_priority_and_count_what_waits() -> None:
    """What a critical item waits for is critical too; the longer path goes first, then the file's order."""
    assert ranks(DIAMOND, efforts(DIAMOND)) == {
        "D/x": (0, -1.0, 0),
        "B/x": (0, -2.0, 1),
        "C/x": (0, -6.0, 2),
        "A/x": (0, -7.0, 3),
        "E/x": (3, -1.0, 4),
    }


def test_an_empty_plan_has_no_waves() -> None:
    """Where all is done there is nothing to order."""
    done = plan("[{title: a, done: true}]")

    assert (waves(done), critical_path(done, {}), ranks(done, {})) == ((), (), {})


def test_a_chain_of_ten_thousand_is_ordered() -> None:
    """Long chains do not run out of stack."""
    chain = "\n".join(
        f"- {{id: N{at}, title: t, depends_on: [{f'N{at + 1}' if at < 9999 else ''}]}}" for at in range(10_000)
    )
    found = plan(chain)

    assert len(critical_path(found, efforts(found))) == 10_000
    assert ranks(found, efforts(found))[ItemId("N9999/x")] == (2, -10_000.0, 9999)
