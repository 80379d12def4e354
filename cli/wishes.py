"""How a person wants to accompany a run: the options that `swarm run` and `swarm resume` share."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a run is accompanied, and where its agents work."""

    output_dir: Path
    progress: bool = False
    dashboard: bool = False
    interactive: bool = False
    keep_server: bool = False


def add_wishes(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a run is accompanied."""
    parser.add_argument("--interactive", action="store_true", help="ask at the terminal what to do about failures")
    parser.add_argument("--progress", action="store_true", help="draw progress on the terminal")
    parser.add_argument("--dashboard", action="store_true", help="serve the dashboard while the run goes on")
    parser.add_argument("--keep-server", action="store_true", help="leave the private Prefect server running")


def wishes_of(arguments: argparse.Namespace, output_dir: Path) -> Wishes:
    """Read the options back."""
    return Wishes(
        output_dir=output_dir,
        progress=arguments.progress,
        dashboard=arguments.dashboard,
        interactive=arguments.interactive,
        keep_server=arguments.keep_server,
    )
