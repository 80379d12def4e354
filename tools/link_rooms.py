"""Lays `.rooms/prefect_swarm/*`, links that let type checkers find the rooms by their import names.

The rooms are top-level folders; only setuptools' import hook knows that `core/` is `prefect_swarm.core`, and type
checkers do not follow that hook. Nothing at run time uses the links.
"""

import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def link_rooms(repository: Path) -> None:
    """Make one link for each top-level room of the wheel table, and remove links that have lost their room."""
    table = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    folders = table["tool"]["setuptools"]["package-dir"].values()
    links = repository / ".rooms" / "prefect_swarm"
    links.mkdir(parents=True, exist_ok=True)
    for old in links.iterdir():
        old.unlink()
    for room in sorted({folder.partition("/")[0] for folder in folders}):
        (links / room).symlink_to(Path("..", "..", room), target_is_directory=True)


if __name__ == "__main__":
    link_rooms(REPOSITORY)
