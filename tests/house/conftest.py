"""The files that the rules of the house are applied to, each parsed once."""

import tomllib
from typing import Any

import pytest
from tests.house.sources import REPOSITORY, Source, parsed, python_files


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """Return pyproject.toml as read."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def wheel_table(project: dict[str, Any]) -> dict[str, str]:
    """Return the folder of each package that goes into the wheel."""
    table: dict[str, str] = project["tool"]["setuptools"]["package-dir"]
    return table


@pytest.fixture(scope="session")
def room_sources(wheel_table: dict[str, str]) -> list[Source]:
    """Return every module of the product."""
    rooms = sorted({folder.partition("/")[0] for folder in wheel_table.values()})
    return [parsed(path) for room in rooms for path in python_files(room)]


@pytest.fixture(scope="session")
def suite_sources() -> list[Source]:
    """Return every module of the suite."""
    return [parsed(path) for path in python_files("tests")]


@pytest.fixture(scope="session")
def all_sources(room_sources: list[Source], suite_sources: list[Source]) -> list[Source]:
    """Return every module that we write; the package that the quickstart repairs is not ours to judge."""
    scripts = ("bench", "tools", "examples/quickstart/tools")
    return [*room_sources, *suite_sources, *(parsed(path) for folder in scripts for path in python_files(folder))]
