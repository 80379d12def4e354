"""Dependencies that the words of a requirements file speak of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_swarm.core.planner import PlanOptions, compile_plan
from prefect_swarm.core.reading import read_requirements
from prefect_swarm.core.requirement import RequirementSet
from prefect_swarm.core.roster import AgentCard, Roster
from prefect_swarm.core.suggestions import suggest, with_suggestions

ROSTER = Roster(cards=(AgentCard.model_validate({"name": "x", "description": "Does it."}),))


def requirements(*titles: str) -> RequirementSet:
    """Read requirements with these titles, REQ-001 and so on."""
    lines = "\n".join(f"- {title!r}" for title in titles)
    return read_requirements(lines.encode(), "a.yaml")


def suggested(*titles: str) -> list[tuple[str, str]]:
    """Return who is suggested to wait for whom."""
    return [(one.requirement, one.depends_on) for one in suggest(requirements(*titles).requirements)]


@pytest.mark.parametrize(
    "text",
    [
        "Show the cart as REQ-001 says",
        "After card payments are there, show the cart",
        "Show the cart; requires card payment",
        "The cart builds on the payment by card",
        "Once card payment exists the cart is kept",
    ],
)
def test_words_that_say_what_comes_first_are_found(text: str) -> None:
    """An id in the text, or a clause that says what comes first and names a title, is a suggestion."""
    assert suggested("Card payment with refunds", text) == [("REQ-002", "REQ-001")]


@pytest.mark.parametrize(
    "text",
    [
        "Show the card payment in the cart",
        "After payment the cart is empty",
        "The cart requires something else altogether",
        "The cart costs 1-001 dollars",
    ],
)
def test_other_words_are_not(text: str) -> None:
    """Sharing words is no dependency, and a clause that names no title is none either."""
    assert suggested("Card payment with refunds", text) == []


def test_a_clause_that_fits_two_titles_alike_suggests_neither() -> None:
    """Where it is not clear what is meant, nothing is."""
    assert suggested("Payment by card", "Payment by card abroad", "The cart comes after payment by card") == []


def test_the_words_are_told() -> None:
    """Each suggestion says which words led to it."""
    (one,) = suggest(requirements("Card payment", "The cart, after  card payment works").requirements)

    assert one.words == "after card payment works"


@given(
    st.lists(
        st.sampled_from(["after login form", "requires cart page", "as REQ-002", "login form", "cart page"]), max_size=7
    )
)
def test_what_is_suggested_never_closes_a_circle(titles: list[str]) -> None:
    """With all suggestions taken the requirements still have an order, and nothing is suggested twice."""
    found = requirements(*titles) if titles else RequirementSet(requirements=())

    suggestions = suggest(found.requirements)
    taken = with_suggestions(found, suggestions)

    order: list[str] = []
    waiting = {one.id: set(one.depends_on) for one in taken.requirements}
    while free := [name for name, needs in waiting.items() if needs <= set(order)]:
        order += free
        for name in free:
            del waiting[name]
    assert not waiting
    assert suggest(taken.requirements) == ()


def test_suggestions_are_taken_only_on_request() -> None:
    """A plan shows them; with `infer` its items wait accordingly."""
    file = requirements("Card payment", "The cart, after card payment works")

    shown = compile_plan(file, ROSTER, PlanOptions())
    taken = compile_plan(file, ROSTER, PlanOptions(infer=True))

    assert [item.depends_on for item in shown.items] == [(), ()]
    assert [item.depends_on for item in taken.items] == [(), ("REQ-001/x",)]
    assert [one.taken for one in (*shown.suggestions, *taken.suggestions)] == [False, True]
