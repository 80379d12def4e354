"""Whatever stands in a document: only RequirementError leaves a reader, soon, and places are places of the file."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.formats.samples import MARKDOWN
from tests.trials import trials

from prefect_swarm.core.document import LINE_BREAK
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.formats.registry import FORMATS
from prefect_swarm.core.reading import read_document
from prefect_swarm.core.requirement import RequirementSet

PIECES = st.sampled_from(
    [
        *(
            "\n",
            "\t",
            "# ",
            "## ADDED Requirements\n",
            "- [ ] ",
            "- [x] 1. ",
            "1. ",
            "|",
            "|-|\n",
            "**",
            "T001",
            "é",
            "  ",
        ),
        *(
            "(depends on ",
            "T001-T999",
            "_Requirements: ",
            "```\n",
            "> ",
            "<!--",
            "---\n",
            "\x00",
            "\u2028",
            "FR-001",
            ":",
        ),
    ]
)
TEXTS = st.sampled_from(list(MARKDOWN.values()))
EDITS = st.lists(st.tuples(st.floats(0, 1), st.one_of(PIECES, st.integers(1, 60))), max_size=12)
GENEROUS = 10.0
"""Seconds that nothing needs unless its time grows with the square of its length."""


def mutated(text: str, edits: list[tuple[float, str | int]]) -> str:
    """A text with pieces put in, and parts taken out."""
    for where, edit in edits:
        at = int(where * len(text))
        text = text[:at] + edit + text[at:] if isinstance(edit, str) else text[:at] + text[at + edit :]
    return text


def read(text: str, name: str, written_as: str = "") -> RequirementSet | None:
    """What is read, or None where it is refused."""
    try:
        return read_document(Document.of(text.encode(errors="surrogatepass"), name), written_as=written_as)
    except RequirementError:
        return None


@settings(max_examples=trials(80, chaos=5000), deadline=None)
@given(text=TEXTS, edits=EDITS, name=st.sampled_from(["a.md", "b.yaml", "c", "tasks.json"]))
def test_mutated_documents_are_read_or_refused(text: str, edits: list[tuple[float, str | int]], name: str) -> None:
    """A damaged document gives requirements with places inside it, or is refused with a RequirementError."""
    text = mutated(text, edits)

    found = read(text, name)

    lines = len(LINE_BREAK.split(text))
    assert found is None or all(one.source.line <= lines for one in found.requirements)


@settings(max_examples=trials(30, chaos=2000), deadline=None)
@given(text=TEXTS, edits=EDITS, written_as=st.sampled_from([one.name for one in FORMATS]))
def test_forced_formats_refuse_what_they_cannot_read(
    text: str, edits: list[tuple[float, str | int]], written_as: str
) -> None:
    """A format that is forced upon a document of another one reads it or refuses it."""
    read(mutated(text, edits), "a.md", written_as)


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] 1. " + "depends on " * 20_000,
        "- [ ] T001 after " + "T001-T002," * 10_000,
        "## Features\n\n- " + "**a " * 30_000,
        "## Features\n\n- " + "As a " * 30_000,
        "### Requirement 1: a\n\n1. WHEN " + "SHAL " * 30_000,
        "- [ ] a\n" * 3_000,
        "  - [ ] 1.1 a\n" * 3_000,
        "".join("  " * depth + "- [ ] x\n" for depth in range(100)),
        "> " * 10_000 + "a",
        "# a\n" * 3_000,
        "[" * 100_000,
        "---\n" * 3_000,
        "**Priority" + " " * 100_000 + "x",
        "## Features\n\n| a | b |\n|---|---|\n" + "| x | y |\n" * 3_000,
        "- **FR-" + "A-" * 50_000,
        "_Requirements: " + "1.1, " * 50_000,
        "x" * 1_000_000,
        "\n" * 9_000,
    ],
)
def test_time_grows_with_length_only(text: str) -> None:
    """Nothing that repeats itself holds a reader up."""
    began = time.process_time()

    read(text, "a.md")
    read(text, "a.md", "kiro")

    assert time.process_time() - began < GENEROUS, text[:40]


def test_a_document_of_too_many_lines_is_refused() -> None:
    """A Markdown file has a bound of its own, told with the way on."""
    with pytest.raises(RequirementError, match=r"more than 10000 lines.*split the file"):
        read_document(Document.of(b"- a\n" * 30_000, "a.md"))
