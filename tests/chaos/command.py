"""`swarm` with traps at its failpoints: `python command.py after_commit:3:kill9 run --yes`."""

import sys
from pathlib import Path

from prefect_swarm.cli.app import main
from prefect_swarm.testing.failpoints import Traps, trap_from

if __name__ == "__main__":
    Traps([trap_from(sys.argv[1])], sprung=Path("sprung.txt").absolute()).set()
    raise SystemExit(main(sys.argv[2:]))
