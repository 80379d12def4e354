"""How a requirements file is read: bytes and a file name in, a `RequirementSet` out, or every problem at once."""

from pathlib import PurePath

from prefect_swarm.core.document import Limits, Mark, Report
from prefect_swarm.core.formats.native import read_native
from prefect_swarm.core.requirement import RequirementSet
from prefect_swarm.core.tree import build_tree

SUFFIXES = {".yaml", ".yml", ".json", ""}


def read_requirements(content: bytes, name: str, *, limits: Limits | None = None) -> RequirementSet:
    """Read a requirements file; `name` is shown in positions and tells the format by its suffix.

    Raises RequirementError, and nothing else, whatever the bytes; it holds every problem with file, line and column.
    """
    report = Report(name)
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        report.stop(Mark(1, 1), f"{suffix} files are not read; write the requirements as .yaml, .yml or .json")
    root = build_tree(content, report, limits=limits or Limits())
    if root is None:
        report.stop(Mark(1, 1), "the file is empty; write `requirements:` with a list of texts")
    return read_native(root, report)
