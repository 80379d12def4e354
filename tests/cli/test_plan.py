"""`swarm plan` and what every command has in common."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_swarm.cli.app import main

SHOP = """\
project: {name: Shop, type: web_app}
requirements:
  - id: PAY-001
    title: "Pay [bold]by card\\e[31m"
    agents: [api-integrator, quality-guardian]
    acceptance: [{run: no-such-program --now}]
  - {title: Refunds, depends_on: [PAY-001], agents: [rapid-builder]}
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with a requirements file, in which the command is called."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "SWARM_RUNNER", "SWARM_CONFIDENCE"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "requirements.yaml"
    file.write_text(SHOP, encoding="utf-8")
    return file


def test_the_plan_shows_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Items with their reasons, waves, critical path and runners go to stdout, what is missing to stderr."""
    code = main(["plan"])
    shown = capsys.readouterr()

    assert code == 0
    assert "Shop (web_app): 2 requirements, 3 items" in shown.out
    assert "named in the file" in shown.out
    assert "wave 2: PAY-001/quality-guardian" in shown.out
    assert "critical path: PAY-001/api-integrator -> PAY-001/quality-guardian -> REQ-001/rapid-builder" in shown.out
    assert "runner none for 3 items" in shown.out
    assert "missing: the program no-such-program is missing, needed by a check of PAY-001" in shown.err


@pytest.mark.parametrize("words", [["shop.yaml"], ["--requirements", "shop.yaml"], ["--requirements=shop.yaml"]])
def test_the_file_can_be_named_three_ways(words: list[str], shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """FILE, `--requirements FILE` and `--requirements=FILE` are the same."""
    shop.rename("shop.yaml")

    assert main(["plan", *words]) == 0
    assert "Shop" in capsys.readouterr().out


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` writes the plan and what follows from it, and nothing else."""
    assert main(["plan", "--json"]) == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)

    assert shown.err == ""
    assert document["items"][0]["id"] == "PAY-001/api-integrator"
    assert document["critical_path"][-1] == "REQ-001/rapid-builder"
    assert document["digest"].startswith("sha256:")
    assert len(document["missing"]) == 1


def test_mermaid_escapes_what_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    """The flowchart has a node for each item, an arrow for each dependency, and no syntax from texts."""
    assert main(["plan", "--format=mermaid"]) == 0
    drawn = capsys.readouterr().out

    assert drawn.startswith("flowchart TD\n")
    assert 'item1["Pay #91;bold#93;by card #91;31m<br/>PAY-001/api-integrator"]' in drawn
    assert "item1 --> item2" in drawn


def test_dot_escapes_what_it_is_given(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Quotes and backslashes of a title stay inside the graph's own quotes."""
    shop.write_text(
        "{requirements: [{id: A, title: 'say \"\\N\" -> [x]', agents: [rapid-builder]}, "
        "{id: B, title: b, depends_on: [A]}]}",
        "utf-8",
    )

    assert main(["plan", "--format", "dot"]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert lines[3] == '  "A/rapid-builder" [label="say \\"\\\\N\\" -> [x]\\nA/rapid-builder"];'
    assert lines[5] == '  "A/rapid-builder" -> "B/rapid-builder";'


def test_suggestions_time_and_cost_are_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the texts speak of is suggested with its words, and taken on request; time and cost are ranges."""
    shop.write_text("requirements: [Card payment, 'The cart, after card payment works']", encoding="utf-8")

    main(["plan"])
    shown = capsys.readouterr().out
    main(["plan", "--infer-dependencies", "--rehearse", "--json"])
    document = json.loads(capsys.readouterr().out)

    assert "suggestion: REQ-002 waits for REQ-001 ('after card payment works'); --infer-dependencies takes it" in shown
    assert "time: 1.0 min to 15.0 min; assumed 1 to 12 minutes" in shown
    assert "cost: no price is known for 2 items; name a model in the agents' cards" in shown
    assert document["suggestions"][0]["taken"]
    assert document["waves"] == [["REQ-001/" + document["items"][0]["agent"]], [document["items"][1]["id"]]]
    assert document["estimate"]["seconds"] == {"low": 4.0, "high": 4.0}


def test_texts_cannot_steer_the_terminal(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters of a file are shown as escapes, markup as it stands."""
    shop.write_text('project: "x\\e[31m [bold]"\nrequirements: [a]', encoding="utf-8")

    main(["plan"])

    assert "x\\x1b[31m [bold]" in capsys.readouterr().out


def test_strict_refuses_guesses(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--strict` exits 65 where a choice is uncertain, and the plan names the best three."""
    shop.write_text("[Something]", encoding="utf-8")

    assert main(["plan"]) == 0
    assert main(["plan", "--strict"]) == 65
    assert "uncertain: REQ-001/rapid-builder; the best three are rapid-builder, " in capsys.readouterr().out


def test_large_plans_show_what_needs_a_look(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Above 200 items only uncertain ones are listed, unless all are asked for."""
    shop.write_text("\n".join("- {title: a, agents: [rapid-builder]}" for _ in range(201)), encoding="utf-8")

    main(["plan"])
    short = capsys.readouterr().out
    main(["plan", "--all"])
    long = capsys.readouterr().out

    assert "named in the file" not in short
    assert long.count("named in the file") == 201


def test_options_reach_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    """Chain, rehearsal and project type of the command line win."""
    code = main(["plan", "--json", "--chain=project-architect,rapid-builder", "--rehearse", "--project-type=library"])
    document = json.loads(capsys.readouterr().out)

    assert code == 0
    assert [item["agent"] for item in document["items"]] == ["project-architect", "rapid-builder"] * 2
    assert document["rehearsal"]
    assert document["project"]["type"] == "library"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 64, "usage: swarm COMMAND"),
        (["paln"], 64, "there is no command paln; did you mean plan?"),
        (["plan", "--nonsense"], 64, "unrecognized arguments: --nonsense; see `swarm plan --help`"),
        (["plan", "--format=xml"], 64, "invalid choice: 'xml'"),
        (["plan", "gone.yaml"], 64, "gone.yaml cannot be read: No such file or directory"),
        (["plan", "a.yaml", "--requirements=b.yaml"], 64, "two requirements files are named"),
        (["plan", "--agents=gone"], 64, "--agents gone: there is no such folder"),
        (["plan", "--chain=,"], 64, "--chain names no agent"),
        (["plan", "--max-parallel=0"], 64, "SWARM_MAX_PARALLEL"),
    ],
)
def test_wrong_usage_is_told(words: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What makes no sense is told on stderr with exit code 64, and nothing goes to stdout."""
    assert main(words) == code
    shown = capsys.readouterr()

    assert told in shown.err
    assert shown.out == ""


def test_refused_requirements_are_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Problems of the file go to stderr with their places, exit code 65."""
    shop.write_text("- {title: a, depends_on: [B]}", encoding="utf-8")

    assert main(["plan"]) == 65
    assert "requirements.yaml:1:27: REQ-001 depends on B, which no requirement has" in capsys.readouterr().err


def test_without_a_file_the_way_to_start_is_shown(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no file is named and none lies here, an example shows how to begin."""
    shop.unlink()

    assert main(["plan"]) == 64
    assert "requirements:\n  - Users can log in" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"], ["--version"]])
def test_help_is_no_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Help and version go to stdout with exit code 0."""
    assert main(words) == 0
    assert "swarm" in capsys.readouterr().out


def test_interruption_has_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command with 130 and without a traceback."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("prefect_swarm.cli.plan.plan_from", interrupted)

    assert main(["plan"]) == 130


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)


def test_planning_needs_no_prefect() -> None:
    """`swarm plan` imports no Prefect, `swarm --help` not even pydantic, yaml or rich."""
    count = "print([name for name in {names} if name in sys.modules])"
    names = ["prefect", "sqlalchemy", "fastapi"]

    planned = python(f"import sys; from prefect_swarm.cli.app import main; main(['plan']); {count.format(names=names)}")
    helped = python(
        "import sys; from prefect_swarm.cli.app import main; main(['--help']);"
        + count.format(names=[*names, "pydantic", "yaml", "rich"])
    )

    assert planned.stdout.endswith("[]\n")
    assert helped.stdout.endswith("[]\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`swarm plan | head -1` ends quietly."""
    program = "import sys; from prefect_swarm.cli.app import main; sys.exit(main(['plan', '--json']))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()

    assert (process.returncode, told) == (141, b"")
