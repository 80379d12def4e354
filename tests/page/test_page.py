"""The page in a real browser."""

import re

import pytest
from playwright.sync_api import expect
from tests.page.conftest import Opener

from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.testing.scenes import Scene, lively, plan_of

pytestmark = pytest.mark.browser


def test_link_shows_the_run(open_page: Opener, journal: Journal, settings: Settings, scene: Scene) -> None:
    """The link that is printed shows percent, status, every requirement, the agents and what happened."""
    lively(scene)
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)

        expect(page.locator("[data-part=percent]")).to_have_text("35%")
        expect(page.locator("[data-part=status]")).to_have_text("running")
        expect(page.get_by_text("REHEARSAL", exact=True)).to_be_visible()
        expect(page.locator("article")).to_have_count(8)
        expect(page.locator("[data-requirement=REQ-003]")).to_contain_text("no module named 'mailer'")
        expect(page.locator("[data-requirement=REQ-001]")).to_contain_text("2 of 3 criteria proved")
        expect(page.get_by_role("progressbar", name="Progress of the run")).to_be_visible()
        expect(page.get_by_role("row", name=re.compile("rapid-builder"))).to_contain_text("REQ-005")
        expect(page.locator("swarm-events")).to_contain_text("Checkpoint 1")
        expect(page.locator("swarm-connection")).to_have_text("live")


def test_code_leaves_the_address(open_page: Opener, journal: Journal, settings: Settings, scene: Scene) -> None:
    """The code does not stay in the address, and the tab stays signed in when it is loaded again."""
    assert scene.epoch
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        expect(page.locator("article")).to_have_count(8)
        assert "code" not in page.url

        page.reload()

        expect(page.locator("article")).to_have_count(8)
        assert page.context.cookies() == []


def test_page_is_live(open_page: Opener, journal: Journal, settings: Settings, scene: Scene) -> None:
    """What is committed is seen at once, without a reload."""
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        card = page.locator("[data-requirement=REQ-001]")
        expect(card).to_contain_text("pending")

        scene.start(1)
        scene.progress(1, 0.5, "reading the code")
        expect(card).to_contain_text("reading the code")
        expect(card).to_contain_text("50%")
        scene.verify(1)

        expect(card).to_contain_text("completed")
        expect(page.locator("[data-part=percent]")).to_have_text("12%")
        expect(page.locator("swarm-events li").first).to_contain_text("is verified")


def test_text_of_agents_is_never_markup(open_page: Opener, journal: Journal, settings: Settings, scene: Scene) -> None:
    """Whatever an agent says is shown as it was said, and nothing of it runs."""
    evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        scene.start(1)
        scene.progress(1, 0.5, evil)

        expect(page.locator("[data-requirement=REQ-001] .doing")).to_contain_text(evil)
        expect(page.locator("swarm-events li").first).to_contain_text(evil)
        assert page.locator("main img, main script").count() == 0


def test_page_comes_back_after_a_restart(open_page: Opener, journal: Journal, settings: Settings, scene: Scene) -> None:
    """A page says that its connection is lost, and goes on by itself when the server is back."""
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        expect(page.locator("article")).to_have_count(8)
    expect(page.locator("swarm-connection")).to_contain_text("connection lost")

    scene.start(1)
    with Streamer(journal, settings):
        expect(page.locator("swarm-connection")).to_have_text("live", timeout=20_000)
        expect(page.locator("[data-requirement=REQ-001]")).to_contain_text("in progress")
        scene.verify(1)
        expect(page.locator("[data-requirement=REQ-001]")).to_contain_text("completed")


def test_dead_executor_is_told(open_page: Opener, journal: Journal, settings: Settings, scene: Scene) -> None:
    """A run that nobody executes is shown as interrupted, with the command that goes on."""
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        expect(page.locator("[data-part=status]")).to_have_text("running")

        journal.release_lease(scene.run_id, scene.epoch)

        expect(page.locator("[data-part=status]")).to_have_text("interrupted")
        expect(page.locator("swarm-notices")).to_contain_text("swarm resume scene-1")


def test_newest_run_is_followed_until_one_is_chosen(
    open_page: Opener, journal: Journal, settings: Settings, scene: Scene
) -> None:
    """The page goes over to a new run by itself; once a person has chosen one, it stays."""
    assert scene.epoch
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        expect(page.locator("article")).to_have_count(8)

        Scene(journal, plan_of(3), "second")  # type: ignore[arg-type]
        expect(page.locator("article")).to_have_count(3)
        page.get_by_role("combobox", name="Run").select_option("scene-1")
        expect(page.locator("article")).to_have_count(8)
        Scene(journal, plan_of(2), "third")  # type: ignore[arg-type]

        expect(page.locator("swarm-runs option")).to_have_count(3)
        expect(page.locator("article")).to_have_count(8)


def test_phone_needs_no_sideways_scrolling(
    open_page: Opener, journal: Journal, settings: Settings, scene: Scene
) -> None:
    """On a narrow screen everything fits the width, however long the words."""
    scene.start(1)
    scene.progress(1, 0.5, "x" * 300)
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        expect(page.locator("article")).to_have_count(8)

        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_stranger_is_told_how_to_get_in(open_page: Opener, journal: Journal, settings: Settings) -> None:
    """Without a good link the page shows nothing but the command that prints one."""
    with Streamer(journal, settings) as streamer:
        page = open_page(streamer)
        expect(page.locator("swarm-connection")).to_have_text("live")
        page.evaluate("sessionStorage.clear()")
        page.goto(streamer.link().partition("#")[0] + "?again#code=wrong")

        expect(page.locator("swarm-notices")).to_contain_text("swarm dashboard")
        expect(page.locator("article")).to_have_count(0)
