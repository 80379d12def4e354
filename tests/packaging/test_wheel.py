"""What a user installs is everything that a checkout has, and nothing that would get in the user's way."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest
from tests.house.sources import REPOSITORY

from prefect_swarm.flows.server import PrivateServer

DATA = {".md", ".js", ".css", ".html", ".json", ".svg"}


def test_wheel_claims_no_name_but_ours(wheel: Path) -> None:
    """No `flows` and no `tasks` at the top: every Prefect user's own project has those."""
    top = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {name for name in top if not name.endswith(".dist-info")} == {"prefect_swarm"}


def test_wheel_holds_every_file_of_the_rooms(installed: Path, wheel_folders: dict[str, str]) -> None:
    """Modules, cards, page files and type markers arrive."""
    missing = [
        path.relative_to(REPOSITORY).as_posix()
        for name, folder in wheel_folders.items()
        for path in (REPOSITORY / folder).iterdir()
        if (path.suffix in {".py", *DATA} or path.name == "py.typed")
        and not (installed / name.replace(".", "/") / path.name).is_file()
    ]

    assert not missing


def test_installed_rooms_are_imported_from_the_wheel(installed: Path, wheel_folders: dict[str, str]) -> None:
    """Every package can be imported away from the checkout."""
    names = sorted(wheel_folders)
    program = f"import importlib\nfor name in {names}: print(importlib.import_module(name).__file__)"
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=installed, env=environment, capture_output=True, text=True, check=True
    )

    assert all(Path(line).is_relative_to(installed) for line in ran.stdout.splitlines())
    assert len(ran.stdout.splitlines()) == len(names)


def test_entry_points_lead_somewhere(installed: Path) -> None:
    """The command `swarm` and Prefect's collection name modules that the wheel holds."""
    (metadata,) = installed.glob("*.dist-info")
    modules = [entry.module.replace(".", "/") for entry in PathDistribution(metadata).entry_points]

    missing = [
        name
        for name in modules
        if not (installed / f"{name}.py").is_file() and not (installed / name / "__init__.py").is_file()
    ]

    assert modules
    assert not missing


def test_the_quickstart_runs_from_the_wheel(installed: Path, server: PrivateServer, tmp_path: Path) -> None:
    """Installed from the wheel, away from the checkout, the quickstart ends with everything verified."""
    quickstart = tmp_path / "quickstart"
    shutil.copytree(REPOSITORY / "examples" / "quickstart", quickstart)
    project = tmp_path / "project"
    shutil.copytree(quickstart / "package", project)
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "start"],
    ):
        subprocess.run(["git", *words], cwd=project, check=True)
    environment = {name: os.environ[name] for name in ("PATH", "HOME")} | server.client_environment(
        tmp_path / "prefect"
    )
    environment |= {"PYTHONPATH": str(installed), "SWARM_HOME": str(tmp_path / "home"), "SWARM_RETRY_DELAYS": "0.1"}
    program = "import sys; from prefect_swarm.cli.app import main; sys.exit(main())"
    words = ["run", "quickstart/requirements.yaml", "--agents", "quickstart/agents", "--output-dir", "project", "--yes"]

    ran = subprocess.run(
        [sys.executable, "-c", program, *words, "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    retried = [item for item in told["items"] if item["attempt"] > 1]
    assert told["progress"]["requirements"] == {"completed": len(told["requirements"])}
    assert [item["agent"] for item in retried] == ["lint-fixer"]
    assert list((project / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def wheel_folders() -> dict[str, str]:
    """Return the folder of each package, as found on disk and not as the table claims."""
    rooms = [marker.parent for marker in REPOSITORY.glob("*/py.typed")]
    folders = [initial.parent.relative_to(REPOSITORY) for room in rooms for initial in room.rglob("__init__.py")]
    return {".".join(("prefect_swarm", *folder.parts)): folder.as_posix() for folder in folders}
