"""`swarm select`: statements in, agents out, a line for a line."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "prefect_swarm.cli.app", "select"]


def select(lines: str, *options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own."""
    return subprocess.run([*COMMAND, *options], input=lines, capture_output=True, text=True, cwd=folder)


def test_each_line_is_answered_with_a_line(tmp_path: Path) -> None:
    """The best three agents, a probability, and the words that led there; ids come back as they were."""
    shown = select('{"id": 7, "text": "Write a README"}\n\n{"id": "b", "text": "Encrypt passwords"}\n', folder=tmp_path)
    first, second = (json.loads(line) for line in shown.stdout.splitlines())

    assert (shown.returncode, shown.stderr) == (0, "")
    assert first["id"] == 7
    assert first["agents"][0] == "documentation-writer"
    assert len(first["agents"]) == 3
    assert 0 < first["confidence"] <= 1
    assert "readme" in first["because"]
    assert (second["id"], second["agents"][0]) == ("b", "security-auditor")


def test_bad_lines_are_told_with_their_number(tmp_path: Path) -> None:
    """Every line that cannot be read is named at the end, exit code 65; the others are answered."""
    lines = [
        '{"id": 1, "text": "A page"}',
        "nonsense",
        '{"id": 2}',
        "[" * 99_999,
        '{"id": 3, "text": "A table"}',
        "\\xff",
    ]
    shown = select("\n".join(lines), folder=tmp_path)

    assert shown.returncode == 65
    assert [json.loads(line)["id"] for line in shown.stdout.splitlines()] == [1, 3]
    assert [f"standard input:{number}:1" in shown.stderr for number in range(1, 7)] == [
        False,
        True,
        True,
        True,
        False,
        True,
    ]
    assert "Traceback" not in shown.stderr


def test_answers_come_as_lines_go_in_and_nobody_needs_to_read_them_all(tmp_path: Path) -> None:
    """A program can talk with it line by line, and may leave in between."""
    line = json.dumps({"id": 1, "text": "Show the orders on a page"}) + "\n"
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(line)
        process.stdin.flush()
        answered = process.stdout.readline()
        process.stdout.close()
        process.stdin.write(line * 2)
        process.stdin.close()
        told = process.stderr.read()

    assert json.loads(answered)["agents"][0] == "frontend-specialist"
    assert (process.returncode, told) == (141, "")


def test_agents_of_a_folder_and_the_project_type_count(tmp_path: Path) -> None:
    """`--agents` brings its agents in; the type stands among the reasons, an unknown one warns."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "gardener.md").write_text("---\nname: gardener\ndescription: Sows seeds.\n---\n", "utf-8")
    seeds = '{"id": 1, "text": "Sow the seeds"}\n'

    assert json.loads(select(seeds, "--agents", "mine", folder=tmp_path).stdout)["agents"][0] == "gardener"
    typed = select('{"id": 1, "text": "Write a README"}', "--project-type", "library", folder=tmp_path)
    assert "usual for the project type" in json.loads(typed.stdout)["because"]
    assert "did you mean library?" in select(seeds, "--project-type", "libary", folder=tmp_path).stderr
