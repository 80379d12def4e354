"""Which formats there are, and which of them a document is written in."""

from prefect_swarm.core.document import Mark, Report, did_you_mean
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.formats import (
    doorstop,
    kiro,
    native,
    needs,
    openspec,
    prd,
    reqif,
    speckit,
    strictdoc,
    table,
    taskmaster,
)
from prefect_swarm.core.formats.interface import Document, Format

FORMATS: tuple[Format, ...] = (
    native.FORMAT,
    taskmaster.FORMAT,
    needs.FORMAT,
    strictdoc.FORMAT,
    reqif.FORMAT,
    doorstop.FORMAT,
    table.FORMAT,
    speckit.FORMAT,
    kiro.FORMAT,
    openspec.FORMAT,
    prd.FORMAT,
)
"""Every format; where two are equally sure of a document, the first of them reads it."""


def format_named(name: str) -> Format:
    """The format of that name; raises UsageError where there is none."""
    found = next((one for one in FORMATS if one.name == name.strip().lower()), None)
    if found is None:
        names = [one.name for one in FORMATS]
        raise UsageError(f"there is no format {name}{did_you_mean(name, names)}; known: {', '.join(names)}")
    return found


def format_of(document: Document, report: Report) -> Format:
    """The format that is surest of the document; raises RequirementError where none knows it."""
    best = max(FORMATS, key=lambda one: one.recognises(document))
    if best.recognises(document) <= 0:
        names = ", ".join(one.name for one in FORMATS)
        kind = "this folder" if document.folder else "this file"
        report.stop(Mark(1, 1), f"no format knows {kind}; name one with --input-format: {names}")
    return best
