"""Runs the tests of the package against its built wheel."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def main() -> int:
    """Return pytest's exit code, with the package imported from the unpacked wheel only."""
    (wheel,) = Path("dist").glob("*.whl")
    report = Path("reports/wheel.xml").resolve()
    with tempfile.TemporaryDirectory() as unpacked:
        zipfile.ZipFile(wheel).extractall(unpacked)
        options = ["-q", "-o", "pythonpath=", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options]
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": unpacked}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
