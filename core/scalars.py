"""What an unquoted word of a file means: the core schema of YAML 1.2, in which `no`, dates and `12:30` are texts."""

import re

from pydantic import JsonValue

from prefect_swarm.core.document import Mapping, Node, Scalar, Sequence

NULLS = {"", "~", "null", "Null", "NULL"}
TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
INTEGER = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,20}|0x[0-9a-fA-F]{1,15}")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
MAX_NUMBER = 40
"""Digits beyond which a number is taken as a text."""


def is_null(node: Node | None) -> bool:
    """Whether nothing is said: no node, or an unquoted `null`, `~` or nothing at all."""
    return node is None or (isinstance(node, Scalar) and node.plain and node.text in NULLS)


def truth_of(node: Node) -> bool | None:
    """The truth value that stands there, or None."""
    return TRUTHS.get(node.text) if isinstance(node, Scalar) and node.plain else None


def number_of(node: Node) -> int | float | None:
    """The number that stands there, or None; infinities and what is no number are none."""
    if not isinstance(node, Scalar) or not node.plain or len(node.text) > MAX_NUMBER:
        return None
    if INTEGER.fullmatch(node.text):
        return int(node.text, 0) if node.text[:2] in {"0o", "0x"} else int(node.text)
    return float(node.text) if FLOAT.fullmatch(node.text) else None


def json_of(node: Node) -> JsonValue:
    """The node as a JSON value that loses nothing: a number that would be written differently stays a text (`3.10`)."""
    match node:
        case Mapping():
            return {entry.name: json_of(entry.value) for entry in node.entries}
        case Sequence():
            return [json_of(item) for item in node.items]
        case Scalar():
            return _json_of_scalar(node)


def _json_of_scalar(node: Scalar) -> JsonValue:
    if is_null(node):
        return None
    if (truth := truth_of(node)) is not None:
        return truth
    number = number_of(node)
    return number if number is not None and str(number) == node.text else node.text
