"""The documents say everything there is, and nothing that is not."""

import argparse
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import cast, get_args

import pytest
from fastapi.routing import APIRoute
from tests.documents.markdown import Block, anchors_of, blocks_of, links_of, section
from tests.house.sources import REPOSITORY
from tests.house.test_imports import MAY_ENTER
from tools.write_docs import PARTS, renewed

from prefect_swarm.cli.app import BROKEN_PIPE, COMMANDS, CommandModule, Parser
from prefect_swarm.cli.exits import UNTOLD
from prefect_swarm.cli.outcome import EXIT_CODES
from prefect_swarm.core import events as on
from prefect_swarm.core.cards import CARD_KEYS, read_card
from prefect_swarm.core.errors import SwarmError
from prefect_swarm.core.formats.native import NOTES, REQUIREMENT_KEYS, SECTIONS
from prefect_swarm.core.reading import read_requirements
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.guard import Guard, tokens_in
from prefect_swarm.streamer.hub import Hub
from prefect_swarm.streamer.ports import Address
from prefect_swarm.streamer.rest import make_app

DOCS = sorted((REPOSITORY / "docs").rglob("*.md"))
DOCUMENTS = [*DOCS, *(REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"))]
TYPED = re.compile(r"^    (swarm (?!COMMAND).*)$", re.MULTILINE)
"""A command line that a document shows in an indented block."""

WRONG = """\
requirements:
  - id: PAY-001
    title: Card payments
  - id: PAY-002
    title: Refunds
    depends_on: [PAY-009]
    priority: hihg
"""
"""The file that the docs show the errors of."""


def text_of(name: str) -> str:
    """Return a document of docs/ as written."""
    return (REPOSITORY / "docs" / name).read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    """Return a document's path in the repository."""
    return path.relative_to(REPOSITORY).as_posix()


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser that a command has."""
    parser = Parser(prog=f"swarm {command}", add_help=False)
    parser.add_argument("--json", action="store_true")
    cast("CommandModule", import_module(COMMANDS[command].module)).configure(parser)
    return parser


def options_of(command: str) -> Iterator[str]:
    """Yield the options that a command declares itself."""
    for action in parser_of(command)._actions:
        yield from (option for option in action.option_strings if option != "--json")


def examples(language: str, *names: str) -> list[tuple[str, Block]]:
    """Return the blocks of some documents in a language, each with its place."""
    return [
        (f"docs/{name}:{block.line}", block)
        for name in names
        for block in blocks_of(text_of(name))
        if block.language == language
    ]


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    """What follows from the code is as the code is now: `python tools/write_docs.py` writes it."""
    text = path.read_text(encoding="utf-8")

    assert text == renewed(text), "python tools/write_docs.py"


def test_every_generated_part_stands_somewhere() -> None:
    """No part is written for nobody."""
    everything = "".join(path.read_text(encoding="utf-8") for path in DOCS)

    assert all(f"<!-- generated: {name} -->" in everything for name in PARTS)


def test_every_setting_has_a_row() -> None:
    """A setting that is not documented does not exist for users."""
    assert all(f"| `{name}` | `SWARM_{name.upper()}` |" in text_of("settings.md") for name in Settings.model_fields)


def test_every_event_has_a_heading() -> None:
    """Each kind of event stands in the list, under its name on the wire."""
    kinds = [kind.model_fields["type"].default for kind in get_args(on.Event)]

    assert all(section(text_of("events.md"), str(kind)) for kind in kinds)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_heading_with_its_options(command: str) -> None:
    """Each option of a command is told in the command's own part."""
    told = section(text_of("commands.md"), f"swarm {command}")
    missing = [option for option in options_of(command) if not re.search(rf"`{option}[ `]", told)]

    assert told
    assert not missing


def test_no_command_is_told_that_there_is_not() -> None:
    """A heading of a command is one of a command."""
    assert set(re.findall(r"^## swarm (\w+)$", text_of("commands.md"), re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_command_lines_are_understood(path: Path) -> None:
    """Each `swarm ...` that a document shows by itself is one that the command line takes."""
    for line in TYPED.findall(path.read_text(encoding="utf-8")):
        _, command, *words = shlex.split(re.sub(r"[\[\]]", "", line))
        parser_of(command).parse_args(words)


def test_every_exit_code_has_a_row() -> None:
    """Each exit code that the program knows is told, and no other; the README tells those of a run alike."""
    ours = {error.exit_code for error in (SwarmError, *subclasses(SwarmError))}
    expected = ours | set(EXIT_CODES.values()) | {UNTOLD, BROKEN_PIPE}
    readme = section((REPOSITORY / "README.md").read_text(encoding="utf-8"), "Exit codes")

    assert codes_in(section(text_of("commands.md"), "Exit codes")) == expected
    assert codes_in(readme) == expected - {BROKEN_PIPE}


def codes_in(text: str) -> set[int]:
    """Return the exit codes that a table tells."""
    return {int(found) for found in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}


def subclasses(error: type[SwarmError]) -> Iterator[type[SwarmError]]:
    """Yield the kinds of an error that its tree tells, in the module that draws it."""
    for one in error.__subclasses__():
        if one.__module__ == SwarmError.__module__:
            yield one
            yield from subclasses(one)


def test_every_route_has_a_row(tmp_path: Path) -> None:
    """Each route of the application is told with its method, and no other."""
    journal = Journal.at(tmp_path)
    app = make_app(Hub(journal), Guard(tokens_in(tmp_path), http_port=1), Address(1, 2))
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    journal.close()
    shown = {route for route in routes if not route.startswith("GET /page/")} | {f"GET {app.openapi_url}"}

    assert set(re.findall(r"^\| `((?:GET|POST) [^`]+)` \|", text_of("streaming.md"), re.MULTILINE)) == shown


def test_table_of_the_rooms_is_the_one_that_is_enforced() -> None:
    """What the architecture says of imports is what the house's test holds."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section(text_of("architecture.md"), "The rooms"), re.MULTILINE)

    assert {room: set(re.findall(r"`(\w+)`", may)) for room, may in rows} == MAY_ENTER


@pytest.mark.parametrize(("place", "block"), examples("yaml", "requirements.md"), ids=lambda one: str(one)[:40])
def test_requirements_of_the_docs_are_read(place: str, block: Block) -> None:
    """Each example is a file that can be used, and nothing in it is misunderstood."""
    found = read_requirements(block.text.encode(), f"{place}.yaml")

    assert found.requirements
    assert not found.warnings


def test_refusals_of_the_docs_are_what_is_told() -> None:
    """The example of an error is what the reader says, word for word."""
    ((_, shown),) = examples("text", "requirements.md")

    with pytest.raises(SwarmError) as refused:
        read_requirements(WRONG.encode(), "shop.yaml")

    assert str(refused.value) == shown.text.strip()


@pytest.mark.parametrize(("place", "block"), examples("markdown", "agents.md"), ids=lambda one: str(one)[:40])
def test_cards_of_the_docs_are_read(place: str, block: Block) -> None:
    """Each example is a card that can be used, and nothing in it is misunderstood."""
    found = read_card(block.text.encode(), place)

    assert found is not None
    assert found.card.runner is not None
    assert not found.warnings


def test_every_key_is_told() -> None:
    """Each key of a requirement, a file and a card stands in the docs."""
    requirements, agents = text_of("requirements.md"), text_of("agents.md")
    missing = [key for key in (*REQUIREMENT_KEYS, *SECTIONS, *NOTES) if f"`{key}`" not in requirements]

    assert not missing
    assert not [key for key in CARD_KEYS if f"| `{key}` |" not in agents]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    """Each link within the repository names a file that is there, and a heading that it has."""
    wrong = [link for link in links_of(path.read_text(encoding="utf-8")) if not leads_somewhere(path, link)]

    assert not wrong


def leads_somewhere(path: Path, link: str) -> bool:
    """Tell whether a link of a document has an end; those to elsewhere are not followed."""
    if "://" in link:
        return True
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    return target.exists() and (not anchor or anchor in anchors_of(target))


def test_every_document_is_linked_from_the_readme() -> None:
    """Whoever reads the README finds every document."""
    linked = links_of((REPOSITORY / "README.md").read_text(encoding="utf-8"))

    assert {name_of(path) for path in DOCS} <= {link.partition("#")[0] for link in linked}


def test_every_example_is_named() -> None:
    """Whatever lies in examples/ is named in a document, so that nobody has to find it by chance."""
    everything = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    names = [name_of(path) for path in (REPOSITORY / "examples").iterdir() if not path.name.startswith((".", "__"))]

    assert names
    assert all(name in everything for name in names)
