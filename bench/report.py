"""What a measurement is, and how it is written down: with its floor, its spread and the machine it was made on."""

import json
import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

PACKAGES = ("prefect-swarm", "prefect", "pydantic", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured: the median of so many trials, and between which values most of them lay."""

    name: str
    unit: str
    value: float
    low: float
    high: float
    trials: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """Figures that were measured side by side and answer one question."""

    title: str
    question: str
    figures: tuple[Figure, ...]


def figure(name: str, unit: str, values: Sequence[float], note: str = "") -> Figure:
    """Give the median of the values, and the range of all but the outermost tenths."""
    ranked = sorted(values)
    cut = len(ranked) // 10
    return Figure(name, unit, median(ranked), ranked[cut], ranked[-1 - cut], len(ranked), note)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which a share of the values lies."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def machine() -> dict[str, str]:
    """Describe what the figures were measured on."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "commit": commit.stdout.strip() or "unknown",
        "system": platform.platform(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": " ".join(f"{one:.1f}" for one in os.getloadavg()),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in PACKAGES},
    }


def write(folder: Path, chapters: Sequence[Chapter]) -> Path:
    """Write the report as `bench.json` and `bench.md`; gives the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    where = machine()
    document = {"machine": where, "chapters": [asdict(chapter) for chapter in chapters]}
    (folder / "bench.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    text = "\n".join(["# Benchmarks", "", *(f"* {name}: {what}" for name, what in where.items()), ""])
    (folder / "bench.md").write_text(text + "\n".join(map(as_markdown, chapters)), encoding="utf-8")
    return folder / "bench.md"


def as_markdown(chapter: Chapter) -> str:
    """Give a chapter as a heading and a table."""
    rows = [
        f"| {one.name} | {_told(one.value)} {one.unit} | {_told(one.low)} to {_told(one.high)} | {one.trials} "
        f"| {one.note} |"
        for one in chapter.figures
    ]
    head = ["| what | median | spread | trials | |", "|---|---|---|---|---|"]
    return "\n".join([f"\n## {chapter.title}\n", chapter.question, "", *head, *rows, ""])


def _told(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - digits beyond that say nothing


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
