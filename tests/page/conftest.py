"""A browser, and a page that was opened by its link."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.streamer.conftest import journal, settings

from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.testing.scenes import Scene, plan_of

__all__ = ["journal", "settings"]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

Opener = Callable[[Streamer], Page]


@pytest.fixture(scope="module")  # not session: while Playwright is open, no other test of this thread may run a loop
def browser() -> Iterator[Browser]:
    """One Chromium for a module of tests."""
    if not CHROMIUM.exists():
        pytest.skip("missing: chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def scene(journal: Journal) -> Scene:
    """A run of eight requirements that has begun, as a rehearsal."""
    return Scene(journal, plan_of(8, rehearsal=True))


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Open the page by a fresh link, with a profile of its own; what its console says fails the test."""
    said: list[str] = []
    contexts: list[BrowserContext] = []

    def opened(streamer: Streamer) -> Page:
        contexts.append(browser.new_context(viewport={"width": 390, "height": 844}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(streamer.link())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not said
