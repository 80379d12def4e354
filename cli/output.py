"""Where results and messages go: one console on stdout for results, one on stderr for everything else."""

import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.console import Console, RenderableType

WIDTH_OF_FILES = 200
"""Columns of a table that goes into a file or a pipe."""


@dataclass(frozen=True)
class Output:
    """The two consoles of a command; with `json_only` nothing but one JSON document and errors is written.

    Rich is imported when the first thing is printed; it keeps to NO_COLOR by itself.
    """

    json_only: bool = False

    def show(self, result: "RenderableType") -> None:
        """Print a result; a text is printed as it is, whatever it looks like."""
        if not self.json_only:
            self._stdout.print(
                visible(result) if isinstance(result, str) else result, soft_wrap=isinstance(result, str)
            )

    def tell(self, message: str) -> None:
        """Print a message to the person at the terminal."""
        if not self.json_only:
            self._stderr.print(visible(message), soft_wrap=True)

    @property
    def console(self) -> "Console":
        """The console for results, for what draws on it by itself."""
        return self._stdout

    @property
    def at_terminal(self) -> bool:
        """Whether a person is there to be asked, and to answer."""
        return sys.stdin.isatty() and sys.stdout.isatty() and not self.json_only

    def fail(self, message: str) -> None:
        """Print an error, which is never silenced."""
        self._stderr.print(visible(message), soft_wrap=True)

    def write(self, text: str) -> None:
        """Write a result to the letter, for a file or another program to take up."""
        if not self.json_only:
            sys.stdout.write(text)

    def document(self, value: "JsonValue") -> None:
        """Write the result as one JSON document."""
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    @cached_property
    def _stdout(self) -> "Console":
        return _console(sys.stdout)

    @cached_property
    def _stderr(self) -> "Console":
        return _console(sys.stderr)


def _console(stream: TextIO) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - a command that prints nothing does not pay for it

    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_OF_FILES
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)


def visible(text: str) -> str:
    """Write control characters as escapes, so that a text of a file cannot steer the terminal."""
    return "".join(one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)
