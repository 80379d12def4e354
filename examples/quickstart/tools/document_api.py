"""Renders the API reference of the package in the working folder."""

import os
import subprocess
import sys


def main() -> None:
    """Write the reference to site/api, imported from src/ and not from an installed copy."""
    command = [sys.executable, "-m", "pdoc", "--output-directory", "site/api", "larder"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": "src"}, check=True)


if __name__ == "__main__":
    main()
