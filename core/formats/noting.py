"""How what is no requirement is kept: each text under the headings that it stood below."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from pydantic import JsonValue

from prefect_swarm.core.formats.gathering import Gathering
from prefect_swarm.core.formats.markdown import Block, Item, Listing, Outline, Paragraph, Section, Table, Verbatim
from prefect_swarm.core.formats.phrases import bare_heading
from prefect_swarm.core.linking import Draft
from prefect_swarm.core.requirement import Project

BEGINNING = "introduction"
"""Where texts are kept that stand before the first heading, or below the title."""
NUMBERED = "the requirements have no ids; they are numbered in the order of the file, so write ids down where you can"


def keep(section: Section, gathering: Gathering, *, path: tuple[str, ...] = (), deep: bool = True) -> None:
    """Keep a section's texts as notes, and those of the sections below it."""
    here = below(path, section)
    if section.title and not section.blocks and not section.sections:
        gathering.note(where(path), section.title)
    keep_blocks(section.blocks, gathering, here)
    for one in section.sections if deep else ():
        keep(one, gathering, path=here)


def keep_blocks(blocks: Iterable[Block], gathering: Gathering, path: tuple[str, ...]) -> None:
    """Keep blocks as notes: a list item by item, a table row by row."""
    for block in blocks:
        for text in texts_of(block):
            gathering.note(where(path), text)


def texts_of(block: Block) -> list[JsonValue]:
    """What a block says, in pieces."""
    match block:
        case Paragraph(text=text) | Verbatim(text=text):
            return [text]
        case Listing(items=items):
            return [item.written for item in items if item.written.strip()]
        case Table(header=header, rows=rows):
            named = [name or f"column {at}" for at, name in enumerate(header, start=1)]
            return [dict(zip(named, row.cells, strict=False)) for row in rows] or [" | ".join(header)]


def keep_others(
    section: Section, gathering: Gathering, is_taken: Callable[[Item], bool], path: tuple[str, ...] = ()
) -> None:
    """Keep a section's texts as notes, but for the items of lists that were taken as requirements."""
    here = below(path, section)
    for block in section.blocks:
        keep_blocks([_without(block, is_taken)], gathering, here)
    for one in section.sections:
        keep_others(one, gathering, is_taken, here)


def _without(block: Block, is_taken: Callable[[Item], bool]) -> Block:
    if not isinstance(block, Listing):
        return block
    items: list[Item] = []
    for item in block.items:
        inner = tuple(_without(one, is_taken) for one in item.inner)
        if not is_taken(item):
            items.append(item if inner == item.inner else replace(item, inner=inner, written=item.text))
    return replace(block, items=tuple(items))


def below(path: tuple[str, ...], section: Section) -> tuple[str, ...]:
    """The headings above the texts of a section; the title of the document is none of them."""
    return (*path, bare_heading(section.title)) if section.level > 1 else path


def where(path: tuple[str, ...]) -> str:
    """The name under which notes below these headings are kept."""
    return " / ".join(path) or BEGINNING


def project_of(outline: Outline, *, prefixes: tuple[str, ...] = ()) -> Project:
    """The project that a document names, in its front matter or as its title."""
    front = {key.lower(): value for key, value in outline.front.items()}
    named = next((front[key] for key in ("project", "name", "title") if isinstance(front.get(key), str)), None)
    title = str(named) if named else bare_heading(outline.title)
    for prefix in prefixes:
        if title.lower().startswith(prefix.lower()):
            title = title[len(prefix) :].lstrip(" :-\u2013\u2014")
    kind = front.get("type")
    return Project(name=title.strip() or "project", type=kind.strip() if isinstance(kind, str) else "")


def keep_front(outline: Outline, gathering: Gathering) -> None:
    """Keep the front matter as a note."""
    if outline.front:
        gathering.notes["front_matter"] = dict(outline.front)


def warn_numbered(gathering: Gathering) -> None:
    """Say that ids are assigned, where requirements have none."""
    first: Draft | None = next((draft for draft in gathering.drafts if draft.id is None), None)
    if first is not None:
        gathering.report.warn(first.mark, NUMBERED)
