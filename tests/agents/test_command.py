"""The runner `command`: any program is an agent."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from tests.agents.conftest import Assign

from prefect_swarm.agents.command import CommandRunner
from prefect_swarm.core.policy import Failure
from prefect_swarm.core.ports import Assignment, Outcome, Report

Told = Callable[..., Outcome]
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
sparing = settings(  # each example starts a program
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def python(program: str, *arguments: str) -> list[JsonValue]:
    """Give the argument list of a Python program."""
    return [sys.executable, "-c", program, *arguments]


def run(
    assignment: Assignment, *, reports: list[Report] | None = None, stop: bool = False, pass_env: tuple[str, ...] = ()
) -> Outcome:
    """Have the agent of an assignment work."""
    sign = threading.Event()
    if stop:
        sign.set()
    heard = reports if reports is not None else []
    return CommandRunner(pass_env).run(assignment, progress=heard.append, stop=sign)


def test_an_agent_that_ends_well_is_done(assign: Assign, tmp_path: Path) -> None:
    """Exit code 0 means done; the last line that it printed is its summary, and all of it lies in the log."""
    program = "print('working'); print('  made it  '); print()"

    outcome = run(assign("command", {"command": python(program)}))

    assert (outcome.failure, outcome.summary) == (None, "made it")
    assert outcome.output == "working\n  made it  \n\n"
    assert (tmp_path / "attempt" / "agent.log").read_text() == outcome.output


def test_an_agent_works_in_its_workspace(assign: Assign, tmp_path: Path) -> None:
    """What it writes by a relative path lies in the workspace."""
    run(assign("command", {"command": python("open('made.txt', 'w').write('x')")}))

    assert (tmp_path / "work" / "made.txt").read_text() == "x"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
    ],
)
def test_another_exit_code_is_a_failure(assign: Assign, program: str, reason: str) -> None:
    """A program that ends badly has failed, with what it printed for the next attempt."""
    outcome = run(assign("command", {"command": python(f"print('look here', flush=True); {program}")}))

    assert (outcome.failure, outcome.reason) == (Failure.AGENT_FAILED, reason)
    assert outcome.output == "look here\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["no-such-program-anywhere"], "no-such-program-anywhere cannot be started: No such file or directory"),
        (["/etc/passwd"], "/etc/passwd cannot be started: Permission denied"),
        ([sys.executable, "a\x00b"], f"{sys.executable} cannot be started: embedded null byte"),
    ],
)
def test_a_program_that_cannot_be_started_is_a_missing_tool(
    assign: Assign, command: list[JsonValue], reason: str
) -> None:
    """Trying again would not help, so it is told as what it is."""
    outcome = run(assign("command", {"command": command}))

    assert (outcome.failure, outcome.reason) == (Failure.TOOL_MISSING, reason)


def test_an_agent_that_takes_too_long_is_timed_out(assign: Assign) -> None:
    """The reason says how long it was given."""
    outcome = run(assign("command", {"command": python("import time; time.sleep(600)")}, timeout=0.5))

    assert (outcome.failure, outcome.reason) == (Failure.TIMED_OUT, "still running after 0.5 s")


def test_an_agent_that_falls_silent_is_stuck(assign: Assign) -> None:
    """The reason says for how long it said nothing."""
    outcome = run(assign("command", {"command": python("import time; time.sleep(600)")}, idle_timeout=0.5))

    assert (outcome.failure, outcome.reason) == (Failure.STUCK, "silent for 0.5 s")


def test_an_agent_that_is_stopped_is_interrupted(assign: Assign) -> None:
    """A run that ends takes its agents with it, and that is no fault of theirs."""
    outcome = run(assign("command", {"command": python("import time; time.sleep(600)")}), stop=True)

    assert (outcome.failure, outcome.reason) == (Failure.INTERRUPTED, "stopped with the run")


def test_progress_is_told_by_lines_of_json(assign: Assign) -> None:
    """A line that is an object with progress or message is progress; anything else is the program's own."""
    lines = [
        '{"progress": 0.25, "message": "reading"}',
        '{"message": "thinking"}',
        '{"progress": 1, "tokens": 5}',
        '{"progress": 2}',
        '{"progress": NaN}',
        '{"progress": "half", "message": "x"}',
        '{"tokens": 7}',
        '{"message": ""}',
        "{not json",
        '["progress", 0.5]',
        ' {"progress": 0.5}',
        '{"message": {"deep": 1}}',
        '{"message": "\\ud800"}',
        "[" * 50_000,
        "{" * 5_000,
    ]
    reports = list[Report]()

    program = f"print({json.dumps(chr(10).join(lines))})"
    outcome = run(assign("command", {"command": python(program)}), reports=reports)

    assert outcome.failure is None
    assert reports == [Report(0.25, "reading"), Report(None, "thinking"), Report(1.0, "")]


def test_a_result_file_gives_the_summary(assign: Assign) -> None:
    """A program may sum up in a JSON object, at most 2,000 characters of which are kept."""
    content = json.dumps({"summary": "y" * 5000, "failure": None})

    outcome = run(assign("command", {"command": _writing(content.encode())}))

    assert (outcome.failure, outcome.summary) == (None, "y" * 2000)


@pytest.mark.parametrize("content", [b'{"summary": null}', b"{}", b'{"other": 1}'])
def test_a_result_without_a_summary_has_none(assign: Assign, content: bytes) -> None:
    """Nothing said is nothing told."""
    outcome = run(assign("command", {"command": _writing(content)}))

    assert (outcome.failure, outcome.summary) == (None, "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"done"',
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"summary": "' + b"z" * 2_000_000 + b'"}',
    ],
    ids=["empty", "cut off", "null", "list", "text", "binary", "deep", "huge"],
)
def test_a_result_that_cannot_be_read_is_a_failure(assign: Assign, tmp_path: Path, content: bytes) -> None:
    """An agent whose result is garbage is not taken at its word."""
    given = tmp_path / "given"
    given.write_bytes(content)
    program = "import os, shutil, sys; shutil.copy(sys.argv[1], os.environ['SWARM_RESULT_FILE'])"

    outcome = run(assign("command", {"command": python(program, str(given))}))

    assert outcome.failure is Failure.INVALID_OUTPUT
    assert outcome.reason.startswith("its result file is no JSON object: ")


def test_a_result_that_is_no_text_can_still_be_written_down(assign: Assign) -> None:
    """Halves of characters, which JSON can hold and no file can, are replaced."""
    outcome = run(assign("command", {"command": _writing(b'{"summary": "a\\ud800b"}')}))

    assert outcome.summary.strip("ab") == "\ufffd" * 3
    assert outcome.summary.encode()


def test_a_fifo_in_place_of_the_result_holds_nobody_up(assign: Assign) -> None:
    """What is no file is no result."""
    program = "import os; os.mkfifo(os.environ['SWARM_RESULT_FILE']); print('made a pipe')"

    outcome = run(assign("command", {"command": python(program)}))

    assert (outcome.failure, outcome.summary) == (None, "made a pipe")


@sparing
@given(st.lists(words, max_size=4))
@example(["a b", "c\nd", ";", "$(touch x)", "`id`", "*", "", "-rf", "{x}", "'\"", "\u202e", "~"])
def test_arguments_arrive_unchanged(assign: Assign, arguments: list[str]) -> None:
    """No shell and no template ever sees an argument list."""
    program = "import json, sys; print(json.dumps(sys.argv[1:]))"

    outcome = run(assign("command", {"command": python(program, *arguments)}))

    assert json.loads(outcome.output) == arguments


@sparing
@given(words)
@example("{{ x }} {x} $HOME `id` \r\n\u2028 \U0001f600 \x1b[2J")
def test_the_prompt_arrives_byte_by_byte(assign: Assign, prompt: str) -> None:
    """On standard input and in its file an agent reads exactly what it is told."""
    program = (
        "import os, sys; told = sys.stdin.buffer.read(); "
        "print(told == open(os.environ['SWARM_PROMPT_FILE'], 'rb').read(), told.hex())"
    )

    outcome = run(assign("command", {"command": python(program), "prompt": "stdin"}, prompt=prompt))

    assert outcome.output.strip() == f"True {prompt.encode().hex()}".strip()


@pytest.mark.parametrize("prompt", ["none", "file"])
def test_standard_input_is_empty_unless_the_prompt_goes_there(assign: Assign, prompt: str) -> None:
    """A program that waits for input does not wait for ever."""
    program = "import sys; print(len(sys.stdin.read()))"

    assert run(assign("command", {"command": python(program), "prompt": prompt})).output == "0\n"


def test_a_card_names_files_beside_itself(assign: Assign, tmp_path: Path) -> None:
    """`{agents}` is the folder of the card, in any argument and as often as wanted."""
    program = "import sys; print(sys.argv[1:])"

    outcome = run(assign("command", {"command": python(program, "{agents}/x.py", "--in={agents}:{agents}", "{other}")}))

    cards = tmp_path / "cards"
    assert outcome.output.strip() == str([f"{cards}/x.py", f"--in={cards}:{cards}", "{other}"])


def test_a_card_may_set_variables_but_not_the_marker(assign: Assign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card's variables win over those that are passed, never over those by which processes are found again."""
    monkeypatch.setenv("KEY", "ours")
    program = (
        "import os; print(os.environ['KEY'], os.environ['TZ'], os.environ['SWARM_RUN'], os.environ['SWARM_ATTEMPT'])"
    )
    card: dict[str, JsonValue] = {"TZ": "Europe/Berlin", "SWARM_RUN": "hidden", "SWARM_ATTEMPT": "0"}
    assignment = assign("command", {"command": python(program), "env": card})

    outcome = run(assignment, pass_env=("KEY",))

    assert outcome.output == f"ours Europe/Berlin {assignment.run_id} 1\n"


def _writing(content: bytes) -> list[JsonValue]:
    program = "import os, sys; open(os.environ['SWARM_RESULT_FILE'], 'wb').write(bytes.fromhex(sys.argv[1]))"
    return python(program, content.hex())
