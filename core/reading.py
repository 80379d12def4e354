"""How requirements are read: what was found on disk in, a `RequirementSet` out, or every problem at once."""

from prefect_swarm.core.document import Limits, Report
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.formats.registry import format_named, format_of
from prefect_swarm.core.requirement import RequirementSet


def read_document(document: Document, *, written_as: str = "") -> RequirementSet:
    """Read a file or folder in the format it is written in, or in the one named.

    Raises UsageError where no format has that name, and else RequirementError only, whatever the bytes; it holds every
    problem with file, line and column.
    """
    report = Report(document.name)
    chosen = format_named(written_as) if written_as else format_of(document, report)
    return chosen.read(document, report)


def read_requirements(content: bytes, name: str, *, limits: Limits | None = None) -> RequirementSet:
    """Read the bytes of one file; `name` is shown in positions and says a little about the format."""
    return read_document(Document.of(content, name, limits))
