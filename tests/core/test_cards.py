"""Reading an agent's card."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from prefect_swarm.core.cards import ReadCard, read_card
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.roster import Rights, RunnerSpec, Stage


def read(front: str, body: str = "You build.") -> ReadCard:
    """Read a card that must be one."""
    found = read_card(f"---\n{front}\n---\n\n{body}\n".encode(), "builder.md", folder="/cards")
    assert found is not None
    return found


def test_a_card_of_claude_code_is_read() -> None:
    """A subagent file as Claude Code knows it is a card; its further keys are accepted silently."""
    found = read("name: builder\ndescription: Builds.\ntools: Read, Bash\nmodel: opus\ncolor: red\nmaxTurns: 5")

    assert found.warnings == ()
    assert (found.card.name, found.card.tools, found.card.model) == ("builder", ("Read", "Bash"), "opus")
    assert (found.card.prompt, found.card.folder, found.card.stage) == ("You build.", "/cards", Stage.BUILD)


def test_our_own_keys_are_read() -> None:
    """Every key that we add to the convention arrives in the card."""
    found = read(
        "name: builder\ndescription: Builds.\nstage: verify\nrights: read\nkeywords: [a b, c]\ntimeout: 5\n"
        "max_retries: 0\nbudget: {usd: 1}\nconcurrency: 2\nfallback: other\nrunner: claude"
    ).card

    assert (found.stage, found.rights, found.keywords) == (Stage.VERIFY, Rights.READ, ("a b", "c"))
    assert (found.timeout, found.max_retries, found.concurrency, found.fallback) == (5, 0, 2, "other")
    assert found.budget is not None
    assert found.runner == RunnerSpec(kind="claude")


@pytest.mark.parametrize(
    ("runner", "kind", "options"),
    [
        (
            "{command: [ruff, format, .], prompt: stdin}",
            "command",
            {"command": ["ruff", "format", "."], "prompt": "stdin"},
        ),
        ("{command: ruff format '.'}", "command", {"command": ["ruff", "format", "."]}),
        ('{python: "package.module:work"}', "python", {"python": "package.module:work"}),
        ("{claude: , model: opus}", "claude", {"model": "opus"}),
        ("{model: openai/gpt}", "model", {"model": "openai/gpt"}),
        ("{rehearsal: , seconds: 0.5}", "rehearsal", {"seconds": 0.5}),
    ],
)
def test_runners_with_options(runner: str, kind: str, options: dict[str, JsonValue]) -> None:
    """The one key that is a kind of runner names it; the others are its options."""
    assert read(f"name: a\ndescription: b\nrunner: {runner}").card.runner == RunnerSpec(kind=kind, options=options)


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("description: b", "builder.md:2:1: an agent needs a name"),
        ("name: a", "builder.md:2:1: an agent needs a description"),
        ("name: a b\ndescription: b", "builder.md:2:7: 'a b' cannot be an agent's name"),
        ("name: a\ndescription: b\nstage: biuld", "builder.md:4:8: 'biuld' is no stage; did you mean build?"),
        ("name: a\ndescription: b\nrights: all", "'all' is no rights; known: read, edit, full"),
        ("name: a\ndescription: b\nmax_retries: 99", "max_retries must be a whole number from 0 to 50, not '99'"),
        ("name: a\ndescription: b\nrunner: cluade", "'cluade' is no runner; did you mean claude?"),
        ("name: a\ndescription: b\nrunner: command", "the runner command needs a value"),
        ("name: a\ndescription: b\nrunner: {prompt: x}", "a runner has exactly one of command"),
        ("name: a\ndescription: b\nrunner: {command: []}", "command names no program"),
        ("name: a\ndescription: b\nrunner: {python: work}", 'python must be "package.module:callable"'),
        ("[a]", "the front matter must be a mapping"),
    ],
)
def test_refusals_say_where_and_what(front: str, told: str) -> None:
    """A wrong card is refused with file, line and column."""
    with pytest.raises(RequirementError) as caught:
        read(front)

    assert told in str(caught.value)


def test_unknown_keys_warn() -> None:
    """A key that nobody knows is told, with the one that was probably meant, and does not refuse the card."""
    assert read("name: a\ndescription: b\nkeyword: c").warnings == (
        "builder.md:4:1: the key keyword is not understood and ignored; did you mean keywords?",
    )


def test_a_description_with_colons_is_read() -> None:
    """Cards in the wild have colons in their descriptions, which YAML refuses; the lines after keep their places."""
    found = read('name: a\ndescription: Use when: x "y" <b>\\n #1\nkeyword: c')

    assert found.card.description == 'Use when: x "y" <b>\\n #1'
    assert found.warnings[0].startswith("builder.md:4:1: ")


@pytest.mark.parametrize("text", ["# Read me", "", "---\nname: a", "----\nname: a\n----\n"])
def test_markdown_without_front_matter_is_no_card(text: str) -> None:
    """A README among the cards is no card."""
    assert read_card(text.encode(), "README.md") is None


@pytest.mark.parametrize("text", ["---\r\nname: a\r\ndescription: b\r\n---\r\nP", "---\nname: a\ndescription: b\n---"])
def test_line_ends_do_not_matter(text: str) -> None:
    """Cards written on Windows, and cards without a body, are read."""
    found = read_card(text.encode(), "a.md")

    assert found is not None
    assert found.card.description == "b"


@given(st.binary(max_size=80), st.binary(max_size=20))
def test_any_bytes_are_read_or_refused(front: bytes, body: bytes) -> None:
    """Whatever the bytes, only a card, None or a RequirementError comes out."""
    with suppress(RequirementError):
        read_card(b"---\nname: a\ndescription: b" + front + b"\n---\n" + body, "a.md")
