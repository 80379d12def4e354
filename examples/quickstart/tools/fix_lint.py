"""Removes lint findings; goes as far as the evidence of the last attempt demands."""

import json
import os
import subprocess
from pathlib import Path

EVIDENCE = "## Evidence of the last attempt"


def unsafe_fixes_demanded(prompt: str) -> bool:
    """Tell whether the last attempt failed for the want of ruff's unsafe fixes."""
    _, _, evidence = prompt.partition(EVIDENCE)
    return "--unsafe-fixes" in evidence


def fix(*, unsafe: bool) -> None:
    """Apply ruff's fixes, then restore the layout that they disturb."""
    options = ["--unsafe-fixes"] if unsafe else []
    subprocess.run(["ruff", "check", "--fix", "--exit-zero", "--quiet", *options, "."], check=True)
    print(json.dumps({"progress": 0.7, "message": "fixes applied"}), flush=True)
    subprocess.run(["ruff", "format", "--quiet", "."], check=True)


def main() -> None:
    """Fix the package in the working folder and say which kind of fixes were used."""
    unsafe = unsafe_fixes_demanded(Path(os.environ["SWARM_PROMPT_FILE"]).read_text(encoding="utf-8"))
    fix(unsafe=unsafe)
    kind = "safe and, as the evidence asked, unsafe" if unsafe else "safe"
    result = {"summary": f"Applied ruff's {kind} fixes."}
    Path(os.environ["SWARM_RESULT_FILE"]).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
