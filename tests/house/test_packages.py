"""What is a folder is in the wheel, and the other way round."""

from typing import Any

from tests.house.sources import REPOSITORY, Source, python_files


def test_folders_with_python_are_the_wheel_table(wheel_table: dict[str, str]) -> None:
    """A package that is not in the table would work in a checkout and be missing from the wheel."""
    rooms = {folder.partition("/")[0] for folder in wheel_table.values()}
    folders = {path.parent.as_posix() for room in rooms for path in python_files(room)}

    assert set(wheel_table.values()) == folders


def test_table_and_list_of_packages_agree(project: dict[str, Any], wheel_table: dict[str, str]) -> None:
    """Setuptools reads the names in one place and the folders in another."""
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(wheel_table)


def test_import_names_follow_the_folders(wheel_table: dict[str, str]) -> None:
    """The folder `core/formats` is the package `prefect_swarm.core.formats`."""
    expected = {f"prefect_swarm.{folder.replace('/', '.')}": folder for folder in wheel_table.values()}

    assert wheel_table == expected


def test_each_package_opens_with_what_it_is_for(room_sources: list[Source], wheel_table: dict[str, str]) -> None:
    """Every package has an `__init__.py`."""
    initials = {source.path.parent.as_posix() for source in room_sources if source.path.name == "__init__.py"}

    assert initials == set(wheel_table.values())


def test_rooms_are_marked_as_typed(wheel_table: dict[str, str]) -> None:
    """Type checkers of users believe our annotations."""
    rooms = {folder.partition("/")[0] for folder in wheel_table.values()}

    assert all((REPOSITORY / room / "py.typed").is_file() for room in rooms)


def test_prefect_swarm_itself_is_no_package() -> None:
    """The common name stays a namespace: an `__init__` would hide the rooms of an editable install."""
    assert not (REPOSITORY / "prefect_swarm").exists()
    assert not (REPOSITORY / "__init__.py").exists()
