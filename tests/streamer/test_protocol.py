"""What a client is owed, whatever the journal and the network do."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.events import CheckpointSaved, Event, Record, RunStarted
from prefect_swarm.core.state import initial_state
from prefect_swarm.core.view import RunView, view_run
from prefect_swarm.streamer.client import Cursor, merge
from prefect_swarm.streamer.protocol import (
    Channel,
    EventFrame,
    Gap,
    ServerFrame,
    Snapshot,
    Subscribe,
    Subscriber,
    Turned,
    Update,
    read_frame,
    read_wish,
)
from prefect_swarm.testing.scenes import RUN, plan_of, whole_story

PLAN = plan_of(6)
NOW = 1_000.0


def recorded(events: Iterable[Event], *, stream: int = 1, after: int = 0) -> tuple[Record, ...]:
    """Number events as a journal would."""
    return tuple(Record(RUN, stream, seq, NOW, event) for seq, event in enumerate(events, after + 1))


STORY = recorded(whole_story(PLAN))


def channel_with(records: Iterable[Record] = (), *, backlog: int = 1_000) -> Channel:
    """A channel that was given these records."""
    channel = Channel(PLAN, initial_state(RUN, PLAN), backlog=backlog)
    channel.take(tuple(records))
    return channel


def drained(subscriber: Subscriber, past: tuple[Record, ...] = STORY) -> list[ServerFrame]:
    """All frames that are due now, with those from the past that the journal holds."""
    found: list[ServerFrame] = []
    while True:
        texts = subscriber.due(NOW)
        if not texts and subscriber.missing is not None:
            after = subscriber.missing
            texts = subscriber.replay(past[after : after + 7], NOW)
        elif not texts:
            return found
        found += [read_frame(text) for text in texts]


def seqs(frames: Iterable[ServerFrame]) -> list[int]:
    """The numbers of the events among the frames."""
    return [frame.event.seq for frame in frames if isinstance(frame, EventFrame)]


@given(cuts=st.lists(st.integers(0, len(STORY)), max_size=20), joins=st.integers(0, len(STORY)), looks=st.booleans())
def test_any_chunking_gives_each_event_once_and_in_order(cuts: list[int], joins: int, *, looks: bool) -> None:
    """However commits are cut and repeated, a client gets what follows its snapshot exactly once and in order."""
    channel = channel_with(STORY[:joins])
    subscriber = Subscriber(channel, Subscribe(run="last"))
    frames = drained(subscriber)

    for cut in sorted(cuts):
        channel.take(STORY[max(0, channel.state.seq - 3) : cut])  # three known ones come again
        if looks:
            channel.settle(NOW)
            frames += drained(subscriber)
    channel.take(STORY[max(0, channel.state.seq - 3) :])
    channel.settle(NOW)
    frames += drained(subscriber)

    assert seqs(frames) == [record.seq for record in STORY[joins:]]


@given(backlog=st.integers(1, 60), after=st.integers(0, len(STORY)), known=st.integers(0, len(STORY)))
def test_resuming_brings_what_was_missed(backlog: int, after: int, known: int) -> None:
    """A client that comes back with a cursor gets all events after it, from memory or from the journal."""
    past = STORY[: max(after, known)]
    subscriber = Subscriber(channel_with(past, backlog=backlog), Subscribe(run="last", after=after, stream=1))

    frames = drained(subscriber, past)

    assert seqs(frames) == [record.seq for record in past[after:]]


@given(cuts=st.lists(st.integers(0, len(STORY)), max_size=12), backlog=st.integers(3, 40))
def test_merged_updates_are_the_state(cuts: list[int], backlog: int) -> None:
    """Whoever replaces what updates bring, slow or not, sees in the end what the server sees."""
    channel = channel_with(backlog=backlog)
    subscriber = Subscriber(channel, Subscribe(run="last"))
    frames = drained(subscriber)

    for cut in sorted({*cuts, len(STORY)}):
        channel.take(STORY[:cut])
        channel.settle(NOW)
        if cut % 2 or cut == len(STORY):
            frames += drained(subscriber)

    assert folded(frames) == view_run(PLAN, channel.state, NOW)


def folded(frames: Iterable[ServerFrame]) -> RunView | None:
    """What a client holds that follows the frames."""
    view = None
    for frame in frames:
        if isinstance(frame, Snapshot):
            view = frame.run
        elif isinstance(frame, Update) and view is not None:
            view = merge(view, frame)
    return view


def test_slow_client_loses_detail_and_gets_the_state() -> None:
    """A client that falls behind the kept frames gets a reset, a snapshot, and later events only."""
    channel = channel_with(STORY[:2], backlog=5)
    subscriber = Subscriber(channel, Subscribe(run="last"))
    drained(subscriber)

    channel.take(STORY[:20])
    frames = drained(subscriber)
    channel.take(STORY[:22])
    later = drained(subscriber)

    assert [frame.type for frame in frames] == ["reset", "snapshot"]
    assert isinstance(frames[1], Snapshot)
    assert frames[1].run.seq == 20
    assert seqs(later) == [21, 22]


def test_changed_history_resets_everybody() -> None:
    """Records of another stream are not taken; begun anew, every client is told so and shown the new plan."""
    channel = channel_with(STORY[:5])
    subscriber = Subscriber(channel, Subscribe(run="last"))
    drained(subscriber)

    with pytest.raises(Turned):
        channel.take(recorded([CheckpointSaved(number=1, completed=0, digest="")], stream=2, after=5))
    channel.restart(plan_of(2), initial_state(RUN, plan_of(2)))

    assert [frame.type for frame in drained(subscriber)] == ["reset", "snapshot"]


@pytest.mark.parametrize("wish", [Subscribe(run="last", after=3, stream=9), Subscribe(run="last", after=99, stream=1)])
def test_cursor_of_another_history_is_reset(wish: Subscribe) -> None:
    """A cursor of another stream, or beyond the end, is answered by reset and snapshot."""
    subscriber = Subscriber(channel_with(STORY[:5]), wish)

    assert [frame.type for frame in drained(subscriber)] == ["reset", "snapshot"]


def test_changes_are_told_in_one_update() -> None:
    """All records since the last update lead to one update, which says what it follows from."""
    channel = channel_with()
    subscriber = Subscriber(channel, Subscribe(run="last"))
    drained(subscriber)

    channel.take(STORY[:4])
    channel.take(STORY[:9])
    channel.settle(NOW)
    updates = [frame for frame in drained(subscriber) if isinstance(frame, Update)]

    assert [update.after for update in updates] == [9]
    assert channel.settle(NOW) is False


def test_what_updates_do_not_carry_is_shown_whole() -> None:
    """A change of output folder or parallelism reaches clients that are connected already."""
    channel = channel_with()
    subscriber = Subscriber(channel, Subscribe(run="last"))
    drained(subscriber)

    channel.take(recorded([RunStarted(plan="", max_parallel=7, output="/srv/out")]))
    channel.settle(NOW)
    shown = drained(subscriber)[-1]

    assert isinstance(shown, Snapshot)
    assert (shown.run.max_parallel, shown.run.output) == (7, "/srv/out")


def test_types_choose_events_and_never_hide_the_state() -> None:
    """A client that asks for some types gets only these events, and all updates."""
    channel = channel_with()
    subscriber = Subscriber(channel, Subscribe(run="last", types=("item_verified",)))
    drained(subscriber)

    channel.take(STORY)
    channel.settle(NOW)
    frames = drained(subscriber)

    assert {frame.event.type for frame in frames if isinstance(frame, EventFrame)} == {"item_verified"}
    assert frames[-1].type == "update"


def test_missing_records_are_noticed() -> None:
    """A channel does not fold past a gap."""
    channel = channel_with(STORY[:3])

    with pytest.raises(Gap):
        channel.take(STORY[4:6])

    assert channel.state.seq == 3


@pytest.mark.parametrize("text", ["", "[]", "{}x", '{"type":"shout"}', json.dumps({"run": "a" * 201}), '{"after":-1}'])
def test_nonsense_is_no_subscription(text: str) -> None:
    """What is no subscription is refused in a sentence."""
    with pytest.raises(UsageError, match="not a subscription"):
        read_wish(text)


def test_client_asks_on_from_where_it_stood() -> None:
    """A client's cursor moves with snapshot and events, and a repeated event is no news."""
    channel = channel_with(STORY[:3])
    subscriber = Subscriber(channel, Subscribe(run="last"))
    cursor = Cursor(Subscribe(run="last"))
    channel_frames = drained(subscriber)
    channel.take(STORY[:5])
    channel_frames += drained(subscriber)

    news = [cursor.accept(frame) for frame in [*channel_frames, channel_frames[-1]]]

    assert news == [True, True, True, False]
    assert (cursor.wish.after, cursor.wish.stream) == (5, 1)
