"""How commands put ids and done-marks into files: written where they can be, told where not."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from prefect_swarm.agents.rewriting import rewrite
from prefect_swarm.cli.output import Output
from prefect_swarm.core.errors import RequirementError
from prefect_swarm.core.formats.interface import Document
from prefect_swarm.core.writeback import Changed


def write(document: Document, changed: Changed) -> None:
    """Put the changed files of a document where they came from; raises UsageError where one was changed meanwhile."""
    root = Path(document.name)
    for path, content in changed.files.items():
        rewrite(root / path if document.folder else root, document.files[path], content)


def tell(document: Document, changed: Changed, output: Output, what: str) -> int:
    """Say what was written; 65 where something could not be."""
    if output.json_only:
        refused: Mapping[str, JsonValue] = {str(name): reason for name, reason in changed.refused.items()}
        output.document(
            {
                "file": document.name,
                "written": [*changed.written],
                "already": [*changed.already],
                "refused": {**refused},
            }
        )
    else:
        there = f"; {len(changed.already)} had one" if changed.already else ""
        output.show(f"{document.name}: {what} written for {len(changed.written)} requirements{there}")
    for name, reason in changed.refused.items():
        output.tell(f"not written: {name}: {reason}")
    return RequirementError.exit_code if changed.refused else 0
