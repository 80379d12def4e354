"""What `swarm` understands: one word for the command, and how every command ends."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Never, Protocol, cast

from prefect_swarm.cli.exits import BROKEN_PIPE, INTERRUPTED, UNTOLD
from prefect_swarm.cli.output import Output
from prefect_swarm.core.errors import SwarmError, UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives, and what it does in one line; its module is imported when it is used."""

    module: str
    summary: str


COMMANDS: dict[str, Command] = {
    "plan": Command("prefect_swarm.cli.plan", "show who would do what, in which order, and why"),
    "convert": Command("prefect_swarm.cli.convert", "write requirements of any format in our own"),
    "select": Command("prefect_swarm.cli.select", "tell for statements on standard input which agents suit them"),
    "run": Command("prefect_swarm.cli.run", "run a requirements file until its results are verified"),
    "resume": Command("prefect_swarm.cli.resume", "go on with a run that was interrupted or failed"),
    "checkpoints": Command("prefect_swarm.cli.checkpoints", "list a run's checkpoints, or show one whole"),
    "runs": Command("prefect_swarm.cli.runs", "list the runs"),
    "status": Command("prefect_swarm.cli.status", "show where a run stands"),
    "ids": Command("prefect_swarm.cli.ids", "show the ids of a requirements file, and write assigned ones into it"),
    "watch": Command("prefect_swarm.cli.watch", "follow a run live"),
    "dashboard": Command("prefect_swarm.cli.dashboard", "serve the dashboard"),
    "delete": Command("prefect_swarm.cli.delete", "delete a run and everything that is kept of it"),
    "prune": Command("prefect_swarm.cli.prune", "delete runs that are old, or too many"),
}


class CommandModule(Protocol):
    """What the module of a command offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's options."""
        ...

    def execute(self, arguments: argparse.Namespace, output: Output) -> int:
        """Do it, and give the exit code."""
        ...


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours."""

    def error(self, message: str) -> Never:
        """Raise UsageError, with the way to help."""
        raise UsageError(f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code; errors that a user can act upon are told on stderr."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        code = run(words)
        sys.stdout.flush()
    except SwarmError as error:
        Output().fail(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at exit
        return BROKEN_PIPE
    if code == UNTOLD:
        os._exit(code)  # Prefect's threads would try for minutes to reach a server that is gone
    return code


def run(words: list[str]) -> int:
    """Run a command line; raises SwarmError."""
    match words[0] if words else "":
        case "":
            raise UsageError(overview())
        case "-h" | "--help" | "help":
            sys.stdout.write(overview() + "\n")
            return 0
        case "--version":
            from importlib.metadata import version  # noqa: PLC0415 - slow to import, and for this only

            sys.stdout.write(f"swarm {version('prefect-swarm')}\n")
            return 0
        case name:
            return _run_command(name, words[1:])


def overview() -> str:
    """All commands, each in a line."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: swarm COMMAND [OPTIONS]",
            "",
            "Compile a requirements file into a Prefect flow whose tasks are agents, and verify what they did.",
            "",
            *lines,
            "",
            "`swarm COMMAND --help` shows the options of a command.",
        ]
    )


def _run_command(name: str, rest: Sequence[str]) -> int:
    if name not in COMMANDS:
        close = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {close[0]}?" if close else "see `swarm --help`"
        raise UsageError(f"there is no command {name}; {hint}")
    command = COMMANDS[name]
    module = cast("CommandModule", import_module(command.module))
    parser = Parser(prog=f"swarm {name}", description=f"{command.summary.capitalize()}.", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="write one JSON document and nothing else")
    module.configure(parser)
    try:
        arguments = parser.parse_args(rest)
    except SystemExit as end:  # --help
        return int(end.code or 0)
    return module.execute(arguments, Output(json_only=arguments.json))


if __name__ == "__main__":
    sys.exit(main())
