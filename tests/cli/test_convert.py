"""`swarm convert`, and folders on disk."""

import json
from pathlib import Path

import pytest
from tests.core.formats.samples import DELTA, KIRO_TASKS, PRD

from prefect_swarm.agents.documents import document_at
from prefect_swarm.cli.app import main
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.reading import read_document


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a document of another tool."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks.md").write_text(KIRO_TASKS, encoding="utf-8")
    return tmp_path


def test_converted_files_can_be_planned(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file that is written is read by `swarm plan` like any other."""
    assert main(["convert", "tasks.md", "-o", "requirements.yaml"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "Greenhouse: 3 requirements, 2 notes in requirements.yaml" in told.err

    assert main(["plan"]) == 0
    assert "Greenhouse: 3 requirements" in capsys.readouterr().out
    assert [one.name for one in here.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("words", [["--format", "json"], ["--json"]])
def test_json_goes_to_standard_output(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts read one JSON document, with every requirement and the notes."""
    assert main(["convert", "tasks.md", *words]) == 0

    document = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in document["requirements"]] == ["1", "2", "3"]
    assert document["requirements"][0]["source"] == {"file": "tasks.md", "line": 3}
    assert document["notes"]["requirements"]["1"]["subtasks"][1]["done"] is False


def test_yaml_goes_to_standard_output_to_the_letter(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is what would be in the file."""
    main(["convert", "tasks.md", "-o", "a.yaml"])
    capsys.readouterr()

    assert main(["convert", "tasks.md"]) == 0
    assert capsys.readouterr().out == Path("a.yaml").read_text(encoding="utf-8")


def test_json_suffix_means_json() -> None:
    """`-o a.json` needs no `--format`."""
    assert main(["convert", "tasks.md", "-o", "a.json"]) == 0
    assert json.loads(Path("a.json").read_bytes())["project"] == {"name": "Greenhouse"}


def test_the_source_is_never_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Writing over the file that is read is wrong usage, and leaves it as it was."""
    assert main(["convert", "tasks.md", "-o", str(here / "tasks.md")]) == 64
    assert "is the file that is read" in capsys.readouterr().err
    assert Path("tasks.md").read_text(encoding="utf-8") == KIRO_TASKS


def test_a_format_can_be_forced_and_must_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """`--input-format` wins over what the file looks like; a name that is none is wrong usage."""
    Path("prd.md").write_text(PRD, encoding="utf-8")

    assert main(["convert", "prd.md", "--input-format", "openspec"]) == 65
    assert "is it a specification or a change of OpenSpec?" in capsys.readouterr().err
    assert main(["plan", "prd.md", "--input-format", "kyro"]) == 64
    assert "did you mean kiro" in capsys.readouterr().err


def test_a_folder_is_read_without_what_is_linked_into_it(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder is one document; links are not followed, and neither are folders of tools."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "spec.md").write_text(DELTA, encoding="utf-8")
    change = here / "change"
    (change / "specs" / "watering").mkdir(parents=True)
    (change / "specs" / "watering" / "spec.md").write_text(DELTA, encoding="utf-8")
    (change / "specs" / "linked").symlink_to(outside)
    (change / "specs" / "watering" / "linked.md").symlink_to(outside / "spec.md")
    (change / "node_modules").mkdir()
    (change / "node_modules" / "spec.md").write_text(DELTA, encoding="utf-8")

    document = document_at(change)

    assert list(document.files) == ["specs/watering/spec.md"]
    assert len(read_document(document).requirements) == 2


def test_a_folder_of_too_much_is_refused(here: Path) -> None:
    """Nobody waits for a whole disk to be read."""
    folder = here / "much"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.md").write_bytes(b"x" * (3 * 1024 * 1024))

    with pytest.raises(UsageError, match="much holds more than"):
        document_at(folder)
