"""`swarm convert`: requirements of any format, written in our own."""

import argparse
from pathlib import Path

from prefect_swarm.agents.documents import document_at
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.planning import add_source_options, requirements_path
from prefect_swarm.core.document import count
from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.formats.writing import native_document, native_json, native_yaml
from prefect_swarm.core.reading import read_document
from prefect_swarm.core.requirement import RequirementSet

FORMATS = ("yaml", "json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `swarm convert`."""
    add_source_options(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write here instead of on standard output")
    parser.add_argument("--format", choices=FORMATS, help="what to write (default: by the suffix of -o, else yaml)")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Read the requirements and write them."""
    path = requirements_path(arguments)
    found = read_document(document_at(path), written_as=arguments.input_format)
    kind = arguments.format or ("json" if arguments.output and arguments.output.suffix == ".json" else "yaml")
    if arguments.output:
        _write(arguments.output, native_json(found) if kind == "json" else native_yaml(found), path)
    if arguments.json or (kind == "json" and not arguments.output):
        output.document(native_document(found))
    elif not arguments.output:
        output.write(native_yaml(found))
    _tell(found, output, arguments.output)
    return 0


def _write(target: Path, text: str, origin: Path) -> None:
    """Put the text into a file, all of it or nothing."""
    if target.exists() and origin.exists() and target.samefile(origin):
        raise UsageError(f"{target} is the file that is read; name another one with -o")
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_bytes(text.encode())
        beside.replace(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error


def _tell(found: RequirementSet, output: Output, target: Path | None) -> None:
    notes = f", {count(len(found.notes), 'note')}" if found.notes else ""
    where = f" in {target}" if target else ""
    output.tell(f"{found.project.name}: {count(len(found.requirements), 'requirement')}{notes}{where}")
    for warning in found.warnings:
        output.tell(f"warning: {warning}")
