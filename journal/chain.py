"""How damage is noticed: each record's seal covers the record and the seal before it, and so back to the first."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from prefect_swarm.core.errors import Damaged
from prefect_swarm.core.events import Event, Record, event_from
from prefect_swarm.core.ids import RunId

START = "0" * 64
"""The seal before the first record."""


class Row(NamedTuple):
    """A record as it lies in the table; the fields are its columns."""

    run_id: str
    seq: int
    stream: int
    at: float
    type: str
    data: str
    epoch: int
    seal: str


def encode(event: Event) -> tuple[str, str]:
    """Give an event's type and its data as JSON."""
    data = event.model_dump(mode="json")
    kind = data.pop("type")
    return kind, json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def seal(previous: str, row: Sequence[Any]) -> str:
    """Give the seal of a record: SHA-256 in hex over the seal before it and every other column.

    No two records are the same text: JSON on the last line has no line break, the words on the first have none.
    """
    run_id, seq, stream, at, kind, data, epoch, _ = row
    text = f"{previous} {seq!r} {stream!r} {at!r} {epoch!r} {kind}\n{run_id}\n{data}"
    return hashlib.sha256(text.encode()).hexdigest()


def stamp(values: Sequence[object]) -> str:
    """Give the seal of a row that stands for itself: SHA-256 in hex over its values."""
    return hashlib.sha256(json.dumps(list(values), default=repr).encode()).hexdigest()


def unseal(run_id: RunId, rows: Iterable[Sequence[Any]], *, previous: str, after: int) -> Iterator[Record]:
    """Read records back, each verified. Raises Damaged naming the first that is not what was written."""
    for row in rows:
        _, seq, stream, at, kind, data, _, sealed = row
        after += 1
        if seq != after:
            raise missing(run_id, after)
        if seal(previous, row) != sealed:
            raise _damaged(run_id, after, "does not match its checksum")
        previous = sealed
        try:
            event = event_from(kind, data)
        except ValueError as error:
            raise _damaged(run_id, after, "was written by another version") from error
        yield Record(run_id, stream, seq, at, event)


def missing(run_id: RunId, seq: int) -> Damaged:
    """Say that a record is not where it was written."""
    return _damaged(run_id, seq, "is missing")


def _damaged(run_id: RunId, seq: int, why: str) -> Damaged:
    return Damaged(f"run {run_id}: record {seq} {why}; restore the journal from a backup")
