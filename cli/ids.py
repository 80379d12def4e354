"""`swarm ids`: which ids the requirements of a file have, and how assigned ones come into the file."""

import argparse

from prefect_swarm.agents.documents import document_at
from prefect_swarm.cli.output import Output
from prefect_swarm.cli.planning import requirements_path
from prefect_swarm.cli.writing import tell, write
from prefect_swarm.core.reading import read_document
from prefect_swarm.core.writeback import with_ids


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="requirements file (default: ./requirements.yaml)")
    parser.add_argument("--requirements", metavar="FILE", help="the same as FILE")
    parser.add_argument("--write", action="store_true", help="put the ids that were assigned into the file")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """List the ids, or write them; 65 where one cannot be written."""
    document = document_at(requirements_path(arguments))
    if arguments.write:
        changed = with_ids(document)
        write(document, changed)
        return tell(document, changed, output, "ids")
    found = read_document(document).requirements
    if output.json_only:
        output.document([{"id": one.id, "title": one.title, "source": one.source.model_dump()} for one in found])
    for one in found:
        output.show(f"{one.id}  {one.title}  ({one.source.file}:{one.source.line})")
    return 0
