"""The README's commands, typed word for word by somebody who has nothing but a clone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.documents.markdown import Block, Command, blocks_of, commands_of, first_missing
from tests.documents.shell import Shell
from tests.house.sources import REPOSITORY

README = blocks_of((REPOSITORY / "README.md").read_text(encoding="utf-8"))
NOT_TYPED = {
    "sudo apt-get install git make python3-venv": "needs root and the network; CI installs the same packages",
    "make test": "is what runs this test",
}
"""Commands of the README that are not run here, each with the reason."""
SECONDS = 60.0
"""How long one command may take."""
OURS = ("PREFECT_", "SWARM_", "PYTEST_", "COV_", "COVERAGE_")
"""Beginnings of variables that a newcomer's environment does not have."""


@pytest.mark.slow
@pytest.mark.prefect
def test_what_the_readme_shows_is_what_happens(clone: Path, environment: dict[str, str]) -> None:
    """Each command ends with the exit code and prints the lines that the README shows, in its order."""
    with Shell(clone, environment) as shell:
        for block in README:
            if block.file is not None:
                write(block, below=where(shell))
            for command in typed(block):
                check(command, shell, exit_code=exit_code_of(command))


def test_exceptions_are_still_in_the_readme() -> None:
    """A command that is not run here is one that the README shows."""
    shown = {command.text for block in README if block.language == "console" for command in commands_of(block)}

    assert set(NOT_TYPED) <= shown


def test_every_example_of_the_readme_is_run_or_written() -> None:
    """No block is there only to be looked at."""
    assert all(block.language == "console" or block.file for block in README)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a copy of the repository that is set up: the environment of this suite is its `.venv`."""
    folder = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != ".installed":
            (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv" / ".installed").touch()  # newer than what it is made of, so that make installs nothing
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a newcomer: an empty home, nothing of ours, and no Python environment on PATH."""
    home = tmp_path / "home"
    home.mkdir()
    ours = str(Path(sys.prefix) / "bin")
    path = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != ours]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "HOME": str(home), "PATH": os.pathsep.join(path), "LC_ALL": "C.UTF-8"}


def typed(block: Block) -> Iterator[Command]:
    """Yield the commands of a block that are run."""
    if block.language == "console":
        yield from (command for command in commands_of(block) if command.text not in NOT_TYPED)


def exit_code_of(command: Command) -> int:
    """Return the exit code that a reader expects: 0, but 130 after Ctrl-C."""
    return 130 if command.until_pressed else 0


def check(command: Command, shell: Shell, *, exit_code: int) -> None:
    """Run a command as shown, and compare."""
    before = command.until_pressed
    ran = shell.run(
        command.text, press=lambda printed: bool(before) and first_missing(before, printed) is None, timeout=SECONDS
    )
    told = "\n".join([f"README.md:{command.line}: $ {command.text}", *ran.printed])
    missing = first_missing(command.shown, ran.printed)
    assert ran.exit_code == exit_code, told
    assert missing is None, f"{told}\n-- this line was not printed, or not in this place: {missing}"


def where(shell: Shell) -> Path:
    """Return the folder that the shell stands in."""
    (folder,) = filter(None, shell.run("pwd", press=lambda _printed: False, timeout=SECONDS).printed)
    return Path(folder)


def write(block: Block, *, below: Path) -> None:
    """Write a file as the README shows it."""
    assert block.file is not None
    path = below / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
