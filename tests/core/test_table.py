"""The table of a run's items: cheap to change, and what was read stays as it was."""

from hypothesis import given
from hypothesis import strategies as st

from prefect_swarm.core.ids import ItemId
from prefect_swarm.core.state import ItemState
from prefect_swarm.core.table import Draft, ItemTable

COUNT = 150
NAMES = [ItemId(f"R{number}/fake") for number in range(COUNT)]


def table() -> ItemTable[ItemState]:
    """Give a table of more than two chunks."""
    return ItemTable(ItemState(name) for name in NAMES)


@given(st.lists(st.tuples(st.sampled_from(NAMES[60:70]), st.integers(1, 9))))
def test_changing_fields_of_a_draft_leaves_the_table_before_alone(changes: list[tuple[ItemId, int]]) -> None:
    """However often an entry is changed, only the draft's copy is, and the other fields stay."""
    before = ItemTable(ItemState(name, reason=name) for name in NAMES)
    draft = Draft(before)

    for name, attempt in changes:
        draft.change(name, attempt=attempt)

    assert dict(draft.table) == {
        name: ItemState(name, reason=name, attempt=dict(changes).get(name, 0)) for name in NAMES
    }
    assert {entry.attempt for entry in before.values()} == {0}


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 9))))
def test_a_draft_changes_as_a_dictionary_does(changes: list[tuple[ItemId, int]]) -> None:
    """A draft and its table hold what a dictionary would, in plan order; the old table stays as it was."""
    before = table()
    plain = dict(before)
    draft = Draft(before)

    for name, attempt in changes:
        draft[name] = plain[name] = ItemState(name, attempt=attempt)

    assert dict(draft) == dict(draft.table) == plain
    assert list(draft.table) == NAMES
    assert dict(before) == dict(table())


@given(st.sets(st.sampled_from(NAMES)))
def test_a_table_knows_what_changed(names: set[ItemId]) -> None:
    """The items that differ from an earlier table are told, each once and in plan order."""
    before = table()

    after = before.with_entries({name: ItemState(name, attempt=1) for name in names})

    assert list(after.changed_since(before)) == [name for name in NAMES if name in names]


def test_a_table_of_other_items_is_all_new() -> None:
    """Against the table of another plan every item counts as changed."""
    assert list(table().changed_since(ItemTable([ItemState(NAMES[0])]))) == NAMES
