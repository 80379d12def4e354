"""How a damaged or missing record is noticed: each record's checksum covers the record and the checksum before it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydantic import ValidationError

from prefect_swarm.core.errors import Damaged
from prefect_swarm.core.events import Event, Record, event_from
from prefect_swarm.core.ids import RunId

START = "0" * 64
"""The checksum before the first record."""


class Row(NamedTuple):
    """A record as it lies in the table; the fields are its columns."""

    run_id: str
    seq: int
    stream: int
    at: float
    type: str
    data: str
    epoch: int
    checksum: str


def encode(event: Event) -> tuple[str, str]:
    """Give an event's type and its data as JSON."""
    data = event.model_dump(mode="json")
    kind = data.pop("type")
    return kind, json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def seal(previous: str, row: Row) -> Row:
    """Give the row its checksum: SHA-256 in hex over the checksum before it and every other column."""
    sealed = json.dumps([previous, *row[:-1]])  # the same in every version of Python, which repr() is not
    return row._replace(checksum=hashlib.sha256(sealed.encode()).hexdigest())


def unseal(run_id: RunId, rows: Iterable[Row], *, previous: str, after: int) -> Iterator[Record]:
    """Read records back, each verified. Raises Damaged naming the first that is not what was written."""
    for row in rows:
        after += 1
        if row.seq != after:
            raise missing(run_id, after)
        if seal(previous, row) != row:
            raise _damaged(run_id, after, "does not match its checksum")
        previous = row.checksum
        try:
            event = event_from(row.type, json.loads(row.data))
        except (ValidationError, json.JSONDecodeError) as error:
            raise _damaged(run_id, after, "was written by another version") from error
        yield Record(run_id, row.stream, row.seq, row.at, event)


def missing(run_id: RunId, seq: int) -> Damaged:
    """Say that a record is not where it was written."""
    return _damaged(run_id, seq, "is missing")


def _damaged(run_id: RunId, seq: int, why: str) -> Damaged:
    return Damaged(f"run {run_id}: record {seq} {why}; restore the journal from a backup")
