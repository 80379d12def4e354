"""The items of a run as one value that is cheap to change: a changed table shares with the old one what stayed.

Items lie in plan order in chunks. Changing one copies its chunk and the list of chunks, so that an event costs
the same in a run of ten items and of ten thousand, and the old table stays what it was for whoever reads it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, replace
from typing import Any, ClassVar, Protocol, TypeVar

from prefect_swarm.core.ids import ItemId

_BITS = 6
_CHUNK = 1 << _BITS
_REST = _CHUNK - 1


class Named(Protocol):
    """What a table holds: dataclasses that know their item."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def id(self) -> ItemId:
        """The item that the value is of."""
        ...


Entry = TypeVar("Entry", bound=Named)


class ItemTable(Mapping[ItemId, Entry]):
    """One entry for each item of a plan, in plan order; never changes."""

    __slots__ = ("chunks", "places")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Hold the entries in their order."""
        rows = tuple(entries)
        self.places = {entry.id: place for place, entry in enumerate(rows)}
        self.chunks = tuple(rows[at : at + _CHUNK] for at in range(0, len(rows), _CHUNK))

    def __getitem__(self, name: ItemId) -> Entry:
        place = self.places[name]
        return self.chunks[place >> _BITS][place & _REST]

    def __iter__(self) -> Iterator[ItemId]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def with_entries(self, changed: Mapping[ItemId, Entry]) -> "ItemTable[Entry]":
        """Give a table with other entries for items that it has. Raises KeyError for any other item."""
        touched: dict[int, list[Entry]] = {}
        for name, entry in changed.items():
            place = self.places[name]
            at = place >> _BITS
            if at not in touched:
                touched[at] = list(self.chunks[at])
            touched[at][place & _REST] = entry
        table = ItemTable[Entry]()
        table.places = self.places
        table.chunks = tuple(tuple(touched[at]) if at in touched else chunk for at, chunk in enumerate(self.chunks))
        return table

    def changed_since(self, before: "ItemTable[Entry]") -> Iterator[ItemId]:
        """The items whose entry is another one than in an earlier table of the same plan, in plan order."""
        if self.places is not before.places:
            yield from self.places
            return
        for mine, old in zip(self.chunks, before.chunks, strict=True):
            if mine is not old:
                yield from (entry.id for entry, was in zip(mine, old, strict=True) if entry is not was)


class Draft(Mapping[ItemId, Entry]):
    """A table while it is being changed; `table` gives the result."""

    __slots__ = ("_base", "_changed")

    def __init__(self, base: ItemTable[Entry]) -> None:
        """Begin with the entries of a table."""
        self._base = base
        self._changed: dict[ItemId, Entry] = {}

    def __getitem__(self, name: ItemId) -> Entry:
        found = self._changed.get(name)
        return self._base[name] if found is None else found

    def __setitem__(self, name: ItemId, entry: Entry) -> None:
        self._changed[name] = entry

    def change(self, name: ItemId, **fields: Any) -> None:
        """Give the entry of an item other values in some fields. Raises KeyError for an unknown item."""
        mine = self._changed.get(name)
        if mine is None:
            self._changed[name] = replace(self._base[name], **fields)
            return
        for field, value in fields.items():  # nobody else has this copy before the table is handed out
            object.__setattr__(mine, field, value)

    def __iter__(self) -> Iterator[ItemId]:
        return iter(self._base)

    def __len__(self) -> int:
        return len(self._base)

    def __contains__(self, name: object) -> bool:
        return name in self._base

    def begin_anew(self, entries: Iterable[Entry]) -> None:
        """Hold these entries, in this order, and no others."""
        self._base, self._changed = ItemTable(entries), {}

    @property
    def table(self) -> ItemTable[Entry]:
        """The entries as they are now."""
        return self._base.with_entries(self._changed) if self._changed else self._base
