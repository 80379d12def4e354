"""What the commands that show runs ask of the place where their output goes."""

from typing import Protocol


class Speaker(Protocol):
    """Where a command's results and messages go; `cli.output` is one."""

    @property
    def json(self) -> bool:
        """Whether results are wanted as JSON and nothing else is printed."""
        ...

    def print(self, text: str) -> None:
        """Give a result on standard output."""

    def message(self, text: str) -> None:
        """Say something beside the result, on standard error."""
