"""Events as they travel and as they are read back."""

import json

import pytest
from hypothesis import given
from pydantic import ValidationError
from tests.core.histories import RUN
from tests.core.values import KINDS, events

from prefect_swarm.core import events as on
from prefect_swarm.core.events import Event, Record, event_from


@given(events)
def test_an_event_comes_back_from_the_wire_as_it_was(event: Event) -> None:
    """Type and data of an envelope, sent as JSON, give the same event again."""
    sent = json.loads(json.dumps(Record(RUN, 1, 7, 12.5, event).wire()))

    assert event_from(sent["type"], json.dumps(sent["data"])) == event
    assert (sent["run_id"], sent["stream"], sent["seq"], sent["at"]) == (RUN, 1, 7, 12.5)
    assert set(sent) == {"run_id", "stream", "seq", "at", "type", "data"}


def test_the_type_of_an_event_is_its_class_in_snake_case() -> None:
    """On the wire a class is called by its name, so that documents and code use one word."""
    for kind in KINDS:
        words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("_")
        assert kind.model_fields["type"].default == words


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("item_melted", {"item": "A/x"}),
        ("item_ready", {}),
        ("item_ready", {"item": "A/x", "colour": "red"}),
        ("attempt_progressed", {"item": "A/x", "attempt": 1, "fraction": 1.5}),
        ("item_failed", {"item": "A/x", "failure": "bad luck", "reason": "", "remedy": ""}),
    ],
)
def test_what_is_no_event_is_refused(kind: str, told: dict[str, str | int | float]) -> None:
    """An unknown type, a missing or unknown field or a value out of bounds is never guessed at."""
    with pytest.raises(ValueError, match=r"no event is called item_melted|1 validation error"):
        event_from(kind, json.dumps(told))


def test_an_event_cannot_be_changed() -> None:
    """What has happened has happened."""
    event = on.RunEnded(outcome="completed")

    with pytest.raises(ValidationError, match="frozen"):
        event.outcome = "failed"  # type: ignore[misc] - which is what is tried
