"""What agents cost by the price list."""

import pytest

from prefect_swarm.agents.prices import prices_of
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.roster import RunnerSpec
from prefect_swarm.testing.plans import Part, plan_of


def planned(model: str | None, *, effort: float = 1.0, runs: str | None = None) -> Plan:
    """Give a plan of one item whose agent's card, and maybe its runner, names a model."""
    plan = plan_of(Part("A"))
    (old,) = plan.items
    item = old.model_copy(
        update={"effort": effort, "runner": RunnerSpec(kind="command", options={"command": ["x"], "model": runs})}
    )
    return plan.model_copy(update={"items": (item,), "agents": (plan.agents[0].model_copy(update={"model": model}),)})


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "anthropic:claude-sonnet-4-5", "gpt-5", "gemini-2.5-pro"])
def test_a_model_that_is_named_has_a_price_range(model: str) -> None:
    """The price list knows the models of the day, with or without their provider."""
    (found,) = prices_of(planned(model)).values()

    assert 0 < found.low < found.high


def test_the_runner_s_model_wins_and_effort_counts() -> None:
    """What the runner names is what runs; twice the effort costs twice as much."""
    (cheap,) = prices_of(planned("claude-opus-4-5", runs="claude-haiku-4-5")).values()
    (dear,) = prices_of(planned("claude-opus-4-5")).values()
    (double,) = prices_of(planned("claude-opus-4-5", effort=2.0)).values()

    assert cheap.high < dear.high
    assert double.high == pytest.approx(2 * dear.high)  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.parametrize("model", [None, "inherit", "no-such-model-9", "sonnet"])
def test_without_a_known_model_there_is_no_price(model: str | None) -> None:
    """Nothing is guessed."""
    assert not prices_of(planned(model))
    assert not prices_of(planned("gpt-5").model_copy(update={"rehearsal": True}))
