"""How a damaged or missing record is noticed: each record's checksum covers the record and the checksum before it."""

import hashlib
import json
from collections.abc import Iterable, Iterator

from pydantic import ValidationError
from sqlalchemy import Row

from prefect_swarm.core.errors import Damaged
from prefect_swarm.core.events import Event, Record, event_from
from prefect_swarm.core.ids import RunId

START = "0" * 64
"""The checksum before the first record."""


def encode(event: Event) -> tuple[str, str]:
    """Give an event's type and its data as JSON."""
    data = event.model_dump(mode="json")
    kind = data.pop("type")
    return kind, json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def seal(previous: str, run_id: str, seq: int, at: float, body: tuple[str, str]) -> str:
    """Compute the checksum of a record: SHA-256 in hex over the checksum before it, its place, type and data."""
    kind, data = body
    text = "\x00".join((previous, run_id, str(seq), repr(at), kind, data))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def unseal(run_id: RunId, rows: Iterable[Row[tuple[object, ...]]], *, previous: str, after: int) -> Iterator[Record]:
    """Read records back, each verified. Raises Damaged naming the first that is not what was written."""
    for row in rows:
        after += 1
        if row.seq != after:
            raise Damaged(f"run {run_id}: record {after} is missing; restore the journal from a backup")
        if seal(previous, run_id, row.seq, row.at, (row.type, row.data)) != row.checksum:
            raise _damaged(run_id, after, "does not match its checksum")
        previous = row.checksum
        try:
            event = event_from(row.type, json.loads(row.data))
        except (ValidationError, json.JSONDecodeError) as error:
            raise _damaged(run_id, after, "was written by another version") from error
        yield Record(run_id, row.stream, row.seq, row.at, event)


def _damaged(run_id: RunId, seq: int, why: str) -> Damaged:
    return Damaged(f"run {run_id}: record {seq} {why}; restore the journal from a backup")
