"""What a person sees on the terminal."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from prefect_swarm.cli.display import ProgressDisplay
from prefect_swarm.cli.render import clean, duration, eta_range, percent, plain_line, screen
from prefect_swarm.cli.summary import summary
from prefect_swarm.core.events import AttemptProgressed, Record
from prefect_swarm.core.progress import Eta
from prefect_swarm.core.state import initial_state
from prefect_swarm.core.view import RunView, view_run
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.protocol import Envelope
from prefect_swarm.testing.scenes import RUN, Scene, item_of, lively, plan_of

WIDTH = 110


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal."""
    with closing(Journal.at(tmp_path)) as journal:
        yield journal


def shown(what: RenderableType, *, width: int = WIDTH) -> str:
    """The text that a terminal of this width shows."""
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def lively_view(journal: Journal, *, count: int = 8) -> RunView:
    """A run in which much is going on."""
    scene = Scene(journal, plan_of(count, rehearsal=True))
    lively(scene)
    return view_run(scene.plan, journal.state(RUN), time.time())


def test_screen_tells_everything_that_goes_on(journal: Journal) -> None:
    """Project, rehearsal, percent, agents at work, retries, questions and errors are all on the screen."""
    text = shown(screen(lively_view(journal), time.time(), height=60))

    for part in (
        "REHEARSAL  TaskFlow",
        "running",
        "35%",
        "left",
        "writing src/orders/listing.py",
        "next try in 15 s",
        "1 item failed and blocks another",
        "Prefect's server did not answer",
        "no module named 'mailer'",
    ):
        assert part in text


@pytest.mark.parametrize("height", [10, 16, 24, 50])
def test_screen_fits_the_terminal(journal: Journal, height: int) -> None:
    """However many requirements there are, the drawing is not higher than the terminal."""
    text = shown(screen(lively_view(journal, count=60), time.time(), height=height))

    assert len(text.splitlines()) <= height


def test_finished_requirements_give_way(journal: Journal) -> None:
    """Where not all fit, those in work are shown and the others counted."""
    text = shown(screen(lively_view(journal, count=60), time.time(), height=18))

    assert "REQ-005" in text
    assert "REQ-001" not in text
    assert "more: 53 pending, 3 in progress, 2 completed, 1 failed, 1 blocked" in text


def test_dead_run_says_how_to_go_on(journal: Journal) -> None:
    """A run that nobody executes is called interrupted, with the command that goes on."""
    text = shown(screen(lively_view(journal), time.time(), height=40, alive=False), width=140)

    assert "interrupted" in text
    assert "swarm resume scene-1" in text


def test_summary_tells_how_it_ended(journal: Journal) -> None:
    """At the end: outcome, every requirement with status, reason and proof, where files are, how to resume."""
    scene = Scene(journal, plan_of(8))
    lively(scene)
    scene.end("completed_with_failures")

    text = shown(summary(view_run(scene.plan, journal.state(RUN), time.time())))

    for part in ("completed with failures", "REQ-003", "2 of 3", "files   /tmp/taskflow", "swarm resume scene-1"):
        assert part in text


def test_text_of_agents_steers_no_terminal(journal: Journal) -> None:
    """Escape sequences, line ends and markup in an agent's words are shown, never obeyed."""
    scene = Scene(journal, plan_of(1))
    scene.start(1)
    scene.progress(1, 0.5, "\x1b[2J[red]boo[/red]\nnext\x07")

    text = shown(screen(view_run(scene.plan, journal.state(RUN), time.time()), time.time(), height=30))

    assert "[2J[red]boo[/red] next" in text
    assert "\x1b" not in text
    assert clean("a\x1b\u202eb") == "a  b"


def test_event_is_one_plain_line() -> None:
    """Without a screen each event is one line of text."""
    event = AttemptProgressed(item=item_of(1), attempt=2, fraction=0.5, message="two\nlines")

    line = plain_line(Envelope.model_validate(Record(RUN, 1, 7, 0.0, event).wire()))

    assert line.endswith("attempt progressed · REQ-001/rapid-builder · attempt 2 · two lines · 50%")


@pytest.mark.parametrize(("seconds", "said"), [(-3, "0 s"), (89, "89 s"), (150, "2 min"), (3900, "1 h 05 min")])
def test_durations_are_brief(seconds: float, said: str) -> None:
    """Durations are said as a person would."""
    assert duration(seconds) == said


def test_figures_promise_nothing() -> None:
    """An estimate is a range, and a percentage is never rounded up."""
    assert eta_range(Eta(low=60, expected=90, high=300)) == "60 s to 5 min left"
    assert eta_range(None) == ""
    assert [percent(value) for value in (99.9, 28.999999999999996, 100.0)] == ["99%", "29%", "100%"]


def test_display_listens_to_the_journal(journal: Journal) -> None:
    """A display that is subscribed to the feed tells every event of its run once, from whichever thread it comes."""
    console = Console(file=io.StringIO(), width=WIDTH)
    plan = plan_of(4)

    with ProgressDisplay(plan, console, state=initial_state(RUN, plan), live=False) as display:
        stop = journal.feed.subscribe(display.on_records)
        scene = Scene(journal, plan)
        workers = [threading.Thread(target=scene.start, args=(number,)) for number in (1, 2, 3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        stop()

    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert sum("attempt started" in line for line in lines) == 3
    assert sum("run started" in line for line in lines) == 1


def test_display_draws_on_a_screen(journal: Journal) -> None:
    """On a terminal the last drawing stands when the display is closed."""
    console = Console(file=io.StringIO(), width=WIDTH, height=30, force_terminal=True, color_system=None)
    scene = Scene(journal, plan_of(8))

    with ProgressDisplay(scene.plan, console, state=journal.state(RUN), live=True) as display:
        lively(scene)
        display.show(journal.state(RUN))

    assert isinstance(console.file, io.StringIO)
    assert "35%" in console.file.getvalue()
