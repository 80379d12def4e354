"""What a plan needs and a machine lacks."""

import sys
from pathlib import Path

import pytest

from prefect_swarm.agents.preflight import default_runner, missing_tools
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.ids import AgentName
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.planner import PlanOptions, compile_plan
from prefect_swarm.core.reading import read_requirements
from prefect_swarm.core.roster import AgentCard, Roster, RunnerSpec
from prefect_swarm.core.settings import Settings


def plan(runner: RunnerSpec | None = None, *, check: str = "", folder: str = "", rehearsal: bool = False) -> Plan:
    """Compile a plan of two requirements for one agent."""
    roster = Roster(cards=(AgentCard(name=AgentName("x"), description="Does it.", runner=runner, folder=folder),))
    acceptance = f", acceptance: [{{run: '{check}'}}]" if check else ""
    text = (
        f"[{{title: a{acceptance}}}, {{title: b{acceptance}}}, {{title: c, done: true, acceptance: [{{run: gone}}]}}]"
    )
    return compile_plan(read_requirements(text.encode(), "a.yaml"), roster, PlanOptions(rehearsal=rehearsal))


def command(*argv: str) -> RunnerSpec:
    """A runner that runs a program."""
    return RunnerSpec(kind="command", options={"command": list(argv)})


def python(target: str) -> RunnerSpec:
    """A runner that calls a function."""
    return RunnerSpec(kind="python", options={"python": target})


def test_programs_that_are_missing_are_told_once() -> None:
    """A missing program is named once, with all that need it and what to do."""
    found = missing_tools(plan(command("frob"), check="frob -x"), search=lambda _: None)

    assert found == (
        (
            "the program frob is missing, needed by agent x, a check of REQ-001, a check of REQ-002; "
            "install it, or put its folder on PATH"
        ),
    )


def test_what_is_there_is_not_told() -> None:
    """A program on PATH, and one given by its path, are found."""
    assert missing_tools(plan(command(sys.executable), check="ls"), search=lambda name: f"/bin/{name}") == ()


def test_programs_inside_the_workspace_are_not_looked_for() -> None:
    """What the agents themselves will write cannot be there before they start."""
    assert missing_tools(plan(command("./agent.sh"), check="./run.sh"), search=lambda _: None) == ()


def test_programs_beside_the_card(tmp_path: Path) -> None:
    """`{agents}` is the card's folder, in which the program must lie."""
    runner = command("{agents}/agent.sh")

    before = missing_tools(plan(runner, folder=str(tmp_path)))
    (tmp_path / "agent.sh").touch()
    after = missing_tools(plan(runner, folder=str(tmp_path)))

    assert f"the program {tmp_path}/agent.sh is missing" in before[0]
    assert after == ()


def test_modules_are_found_without_being_run(tmp_path: Path) -> None:
    """A module beside the card is found, one that is nowhere is told, and none is imported."""
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    (tmp_path / "kit" / "work.py").touch()

    assert missing_tools(plan(python("kit.work:do"), folder=str(tmp_path))) == ()
    assert missing_tools(plan(python("json.decoder:do"))) == ()
    assert (
        "the Python module kit.play is missing" in missing_tools(plan(python("kit.play:do"), folder=str(tmp_path)))[0]
    )
    assert "the Python module no_such_kit is missing" in missing_tools(plan(python("no_such_kit:do")))[0]
    assert "kit" not in sys.modules


def test_a_rehearsal_needs_no_agents() -> None:
    """In a rehearsal the runners are not needed; the checks are."""
    assert missing_tools(plan(command("frob"), rehearsal=True), search=lambda _: None) == ()


def test_the_option_wins_over_the_setting() -> None:
    """`--runner` is taken first, then the setting; by itself nothing is picked, and the reason says so."""
    settings = Settings(runner="codex")

    assert default_runner("claude", settings) == (RunnerSpec(kind="claude"), "named by --runner")
    assert default_runner("", settings)[0] == RunnerSpec(kind="codex")
    assert default_runner("", Settings()) == (
        None,
        "neither the agent's card, --runner nor SWARM_RUNNER names a runner",
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cluade", "--runner: cluade is no runner; did you mean claude?"),
        ("command", "--runner: command needs a value; write `runner: {command:"),
        ("rehearsal", "a rehearsal is asked for with --rehearse"),
    ],
)
def test_wrong_runners_are_told(name: str, told: str) -> None:
    """A runner that cannot be named alone is wrong usage, with the way on."""
    with pytest.raises(UsageError) as caught:
        default_runner(name, Settings())

    assert told in str(caught.value)
