"""Events of every kind, with any text in them, for whoever writes, sends or shows them."""

from types import UnionType
from typing import get_args

from hypothesis import strategies as st

from prefect_swarm.core import events as on

fractions = st.none() | st.floats(0, 1)

# The journal keeps every float but the one that is not equal to itself.
st.register_type_strategy(float, st.floats(allow_nan=False))


def _kinds(union: UnionType) -> tuple[type[on.Event], ...]:
    return get_args(union)


KINDS = (*_kinds(on.ItemEvent), *_kinds(on.RunEvent))
"""The class of every kind of event."""


def events_of(kind: type[on.Event]) -> st.SearchStrategy[on.Event]:
    """Give any event of a kind; its texts are any Unicode but lone surrogates, which are no text."""
    if kind is on.AttemptProgressed:
        return st.builds(kind, fraction=fractions)
    return st.from_type(kind)


events: st.SearchStrategy[on.Event] = st.one_of([events_of(kind) for kind in KINDS])
"""Any event."""
