"""Repairs the findings of bandit that have one right answer."""

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

WEAK_HASH = "B324"
HASH_CALL = re.compile(r"hashlib\.\w+")


def findings() -> list[dict[str, Any]]:
    """Return what bandit finds below src/."""
    ran = subprocess.run(["bandit", "-q", "-f", "json", "-r", "src"], capture_output=True, text=True, check=False)
    results: list[dict[str, Any]] = json.loads(ran.stdout)["results"]
    return results


def with_purpose(source: str, line: int) -> str:
    """Return the source with the hash call of that line declared as not meant for security."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.lineno == line and HASH_CALL.fullmatch(ast.unparse(node.func)):
            insert_argument(lines, node)
    return "".join(lines)


def insert_argument(lines: list[str], call: ast.Call) -> None:
    """Add the declaration in front of the bracket that closes the call."""
    row, column = (call.end_lineno or call.lineno) - 1, (call.end_col_offset or 1) - 1
    text = lines[row].encode()  # the syntax tree counts bytes
    lines[row] = (text[:column] + b", usedforsecurity=False" + text[column:]).decode()


def main() -> None:
    """Repair the weak hashes that serve as cache keys and name every other finding."""
    for finding in findings():
        path = Path(finding["filename"])
        if finding["test_id"] != WEAK_HASH:
            print(f"left for a person: {path}:{finding['line_number']}: {finding['issue_text']}")
            continue
        repaired = with_purpose(path.read_text(encoding="utf-8"), finding["line_number"])
        path.write_text(repaired, encoding="utf-8")
        print(f"repaired: {path}:{finding['line_number']}")


if __name__ == "__main__":
    main()
