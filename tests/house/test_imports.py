"""Imports point down, go in no circle, and the core touches nothing."""

import ast
import sys
from graphlib import TopologicalSorter
from typing import Any

from tests.house.sources import Source, imported

# What each room may enter besides itself; docs/architecture.md tells why.
MAY_ENTER = {
    "core": set[str](),
    "journal": {"core"},
    "agents": {"core", "journal"},
    "blocks": {"core"},
    "tasks": {"core", "journal", "agents", "blocks"},
    "flows": {"core", "journal", "agents", "blocks", "tasks"},
    "streamer": {"core", "journal"},
    "testing": {"core", "journal", "agents", "blocks", "tasks", "flows", "streamer"},
    "cli": {"core", "journal", "agents", "blocks", "tasks", "flows", "streamer", "testing"},
}

CORE_LIBRARIES = {"pydantic", "yaml", "markdown_it", "prefect_swarm"}
# Standard modules that know the time, chance or the world outside; core is handed their values as arguments.
CLOSED_TO_CORE = {
    *("time", "random", "secrets", "uuid", "os", "subprocess", "socket", "logging", "threading", "asyncio"),
    *("multiprocessing", "signal", "tempfile", "shutil", "sqlite3", "urllib", "http", "concurrent"),
}
CLOCK_CALLS = {"now", "utcnow", "today"}


def test_each_room_has_a_line_in_the_table(wheel_table: dict[str, str]) -> None:
    """A new room says what it may enter."""
    rooms = {folder.partition("/")[0] for folder in wheel_table.values()}

    assert rooms == set(MAY_ENTER)


def test_imports_point_down(room_sources: list[Source]) -> None:
    """A room imports only the rooms below it."""
    wrong = [
        f"{source.at(node)} imports {name}"
        for source in room_sources
        for node, name in imported(source)
        if name.startswith("prefect_swarm.") and name.split(".")[1] not in {source.room, *MAY_ENTER[source.room]}
    ]

    assert not wrong


def test_imports_are_absolute(all_sources: list[Source]) -> None:
    """Every import names its module in full, so that it can be found by searching."""
    wrong = [
        source.at(node)
        for source in all_sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert not wrong


def test_no_file_imports_a_room_by_its_folder(all_sources: list[Source]) -> None:
    """`import core` works in a checkout and fails for a user, so nobody writes it."""
    wrong = [
        f"{source.at(node)} imports {name}"
        for source in all_sources
        for node, name in imported(source)
        if name.partition(".")[0] in MAY_ENTER
    ]

    assert not wrong


def test_modules_import_in_no_circle(room_sources: list[Source]) -> None:
    """No module needs itself to be imported, not even for its types."""
    modules = {source.module for source in room_sources}
    graph = {
        source.module: {module_of(name, modules) for _, name in imported(source)} & modules - {source.module}
        for source in room_sources
    }

    order = list(TopologicalSorter(graph).static_order())

    assert set(order) == modules


def test_core_imports_only_what_is_pure(room_sources: list[Source]) -> None:
    """The core is made of the standard library without the outside world, pydantic and parsers."""
    allowed = (sys.stdlib_module_names | CORE_LIBRARIES) - CLOSED_TO_CORE
    wrong = [
        f"{source.at(node)} imports {name}"
        for source in room_sources
        for node, name in imported(source)
        if source.room == "core" and name.partition(".")[0] not in allowed
    ]

    assert not wrong


def test_core_reads_no_clock(room_sources: list[Source]) -> None:
    """The core is told what time it is."""
    wrong = [
        source.at(node)
        for source in room_sources
        for node in ast.walk(source.tree)
        if source.room == "core" and isinstance(node, ast.Call) and reads_clock(node)
    ]

    assert not wrong


def test_collection_that_prefect_loads_is_a_room(project: dict[str, Any], wheel_table: dict[str, str]) -> None:
    """Prefect finds our blocks through an entry point that exists."""
    collections = project["project"]["entry-points"]["prefect.collections"]

    assert set(collections.values()) <= set(wheel_table)


def module_of(name: str, modules: set[str]) -> str:
    """Return the module that an imported name means: itself, or the module that defines it."""
    return name if name in modules else name.rpartition(".")[0]


def reads_clock(call: ast.Call) -> bool:
    """Tell whether a call is `datetime.now()` or one of its kin, by whatever name the class was imported."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in CLOCK_CALLS
