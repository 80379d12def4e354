"""A part that is missing skips its tests at home and fails them where everything was to be installed."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.sources import REPOSITORY

SUITE = """
import pytest

def test_of_a_missing_part():
    pytest.skip("missing: redis-server")

def test_of_another_platform():
    pytest.skip("only on macOS")
"""


def outcome(folder: Path, *options: str) -> str:
    """Return the closing line of pytest over a suite of two skipped tests."""
    (folder / "test_parts.py").write_text(SUITE, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", str(folder), *options]
    ran = subprocess.run([*command, str(folder)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return ran.stdout.splitlines()[-1]


def test_missing_part_is_skipped_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody needs every program to work on the project."""
    monkeypatch.delenv("SWARM_TEST_REQUIRE_ALL", raising=False)

    assert outcome(tmp_path).startswith("2 skipped")


def test_missing_part_fails_where_all_are_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI a skip for a missing part is a failure, and a skip for another reason is not."""
    monkeypatch.setenv("SWARM_TEST_REQUIRE_ALL", "1")

    assert outcome(tmp_path).startswith("1 failed, 1 skipped")
