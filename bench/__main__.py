"""Runs all benchmarks, or those that are named, and writes what they found into bench-output/."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import journal, overhead
from bench.report import Chapter, as_markdown, write

BENCHMARKS: dict[str, Callable[[], Iterator[Chapter]]] = {"journal": journal.chapters, "overhead": overhead.chapters}
OUTPUT = Path("bench-output")


def main(names: list[str]) -> int:
    """Run the benchmarks of these names; returns 64 where there is none of a name."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 64
    found = list[Chapter]()
    for name in names or BENCHMARKS:
        for chapter in BENCHMARKS[name]():
            print(as_markdown(chapter), flush=True)
            found.append(chapter)
    print(f"written to {write(OUTPUT, found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
