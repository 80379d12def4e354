"""What a document holds besides prose: blocks, the files they name, commands with what they print, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"\*\*`([^`]+)`\*\*")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
PROMPT = "$ "
PRESSED = "^C"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, its line in the document, and the file that the line above it names."""

    language: str
    text: str
    line: int
    file: str | None


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a document shows it, with the lines it is said to print; `...` stands for anything."""

    text: str
    shown: tuple[str, ...]
    line: int

    @property
    def until_pressed(self) -> tuple[str, ...]:
        """What is printed before Ctrl-C is pressed; nothing where it is not."""
        return self.shown[: self.shown.index(PRESSED)] if PRESSED in self.shown else ()


def blocks_of(text: str) -> list[Block]:
    """Give the fenced blocks of a document in order."""
    return [_block(text, found) for found in FENCE.finditer(text)]


def _block(text: str, found: re.Match[str]) -> Block:
    before = text[: found.start()]
    above = before.rstrip().rpartition("\n")[2]
    name = FILE_NAME.search(above)
    return Block(found[1], found[2], before.count("\n") + 1, name[1] if name else None)


def commands_of(block: Block) -> Iterator[Command]:
    """Give the commands of a console block, each with the lines that follow it."""
    lines = block.text.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith(PROMPT)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Command(lines[start].removeprefix(PROMPT), tuple(lines[start + 1 : end]), block.line + 1 + start)


def first_missing(shown: tuple[str, ...], printed: list[str]) -> str | None:
    """Give the first shown line that was not printed after the ones before it; None where all were."""
    left = iter(printed)
    for line in shown:
        if line in {"...", PRESSED}:
            continue
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in line.split("...")))
        if not any(pattern.fullmatch(one.strip()) for one in left):
            return line
    return None


def without_blocks(text: str) -> str:
    """Take the fenced blocks out of a document."""
    return FENCE.sub("", text)


def links_of(text: str) -> list[str]:
    """Give the targets of a document's links."""
    return [found[1] for found in LINK.finditer(without_blocks(text))]


def anchors_of(path: Path) -> set[str]:
    """Give the anchors that the headings of a document have on the usual forges."""
    titles = [found[2] for found in HEADING.finditer(without_blocks(path.read_text(encoding="utf-8")))]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def section(text: str, title: str) -> str:
    """Give the text below a heading up to the next one of its level or above; empty where there is no such heading."""
    for found in HEADING.finditer(text):
        if found[2] == title:
            following = (one for one in HEADING.finditer(text, found.end()) if len(one[1]) <= len(found[1]))
            return text[found.end() : next((one.start() for one in following), len(text))]
    return ""
