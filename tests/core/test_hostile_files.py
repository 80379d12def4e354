"""Files that mean harm, or none at all: what the reader does with any bytes, shape and text."""

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_swarm.core import tree
from prefect_swarm.core.document import Limits
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.criteria import CONTAINS_KEYS, KINDS, RUN_OPTIONS
from prefect_swarm.core.formats.fields import BUDGET_KEYS
from prefect_swarm.core.formats.native import PROJECT_KEYS, REQUIREMENT_KEYS, SECTIONS
from prefect_swarm.core.reading import read_requirements

WORDS = [*SECTIONS, *REQUIREMENT_KEYS, *PROJECT_KEYS, *KINDS, *RUN_OPTIONS, *CONTAINS_KEYS, *BUDGET_KEYS, "project"]


@pytest.mark.parametrize(
    ("text", "limits", "told"),
    [
        ("[aaaa]", Limits(bytes=5), "larger than 5 bytes"),
        ("[[[[a]]]]", Limits(depth=3), "shop.yaml:1:4: nested deeper than 3 levels"),
        ("[a, b, c]", Limits(nodes=3), "more than 3 values"),
        ("[&a b, *a, *a]", Limits(aliases=1), "more than 1 aliases"),
        ("[&a [x, y], &b [*a, *a, *a], *b, *b]", Limits(expansion=2, expansion_floor=0), "over 2 times larger"),
        ("[&a [[x]], [[*a]]]", Limits(depth=4), "nested deeper than 4 levels through aliases"),
    ],
)
def test_limits_stop_the_reader(text: str, limits: Limits, told: str) -> None:
    """Each limit refuses the file at the place where it is reached."""
    with pytest.raises(RequirementError) as caught:
        read_requirements(text.encode(), "shop.yaml", limits=limits)

    assert told in str(caught.value)


def test_a_bomb_is_stopped_early() -> None:
    """Nine levels of nine aliases are refused before they unfold."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]

    with pytest.raises(RequirementError, match="times larger"):
        read_requirements("\n".join(lines).encode(), "shop.yaml")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """Whatever the bytes, only a result or a RequirementError comes out."""
    read_or_refuse(content)


@given(st.text(alphabet=st.sampled_from(list("ab-:{}[]&*!<>|?#%@`'\"\\,\n\t 0x~\0\ud7ff\u2028")), max_size=60))
def test_any_yaml_soup_is_read_or_refused(text: str) -> None:
    """Whatever stands between YAML's own characters, only a result or a RequirementError comes out."""
    read_or_refuse(b"requirements: " + text.encode())


@given(st.text(alphabet=st.sampled_from(list("ab-:{}[]&*!<>|'\"\\,\n U9d8")), max_size=60))
def test_the_pure_parser_is_as_safe(text: str) -> None:
    """Without the C parser the same holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "LOADER", yaml.SafeLoader)
        read_or_refuse(text.encode())


def read_or_refuse(content: bytes) -> None:
    """Read bytes of which nothing is known."""
    with suppress(RequirementError):
        assert read_requirements(content, "any.yaml").requirements


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", " ", "a", "A, b", "high", "[", "'", "/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=500)
@given(VALUES)
def test_any_shape_is_read_or_refused(value: object) -> None:
    """Whatever the known keys hold, only a result or a RequirementError comes out."""
    read_or_refuse(json.dumps(value).encode())


@settings(max_examples=300)
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip),
    st.booleans(),
)
def test_any_text_survives(text: str, escaped: bool) -> None:  # noqa: FBT001
    """Any Unicode text comes out as it went in, from JSON with and without escapes."""
    content = json.dumps({"requirements": [{"description": text}, text]}, ensure_ascii=escaped).encode()
    found = read_requirements(content, "a.json")

    assert [one.description for one in found.requirements] == [text, text]
