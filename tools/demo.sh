#!/usr/bin/env bash
# Runs examples/quickstart for real and writes below demo-output/ only. Needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."
out="$PWD/demo-output"

# What the user has set for other projects must not change the demo.
for name in $(compgen -e); do
    case "$name" in
    PREFECT_* | SWARM_* | PYTHON* | PYTEST_* | COVERAGE_* | COV_* | MYPY* | RUFF_* | PIP_* | TOWNCRIER_*) unset "$name" ;;
    esac
done

mkdir -p "$out/caches" "$out/tmp"
rm -rf "$out/project"
cp -R examples/quickstart/package "$out/project"
# A repository of its own, so that `git diff` shows afterwards what the agents did.
git -C "$out/project" init -q
git -C "$out/project" add -A
git -C "$out/project" -c user.name=demo -c user.email=demo@localhost -c commit.gpgsign=false commit -q -m "Before the release"

export PATH="$PWD/.venv/bin:$PATH"
export SWARM_HOME="$out/swarm"
export PREFECT_HOME="$out/prefect"
export PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
export RUFF_CACHE_DIR="$out/caches/ruff" MYPY_CACHE_DIR="$out/caches/mypy"
export XDG_CACHE_HOME="$out/caches" TMPDIR="$out/tmp"
export PYTHONDONTWRITEBYTECODE=1 # set-up has compiled what is imported; nothing is written beside the sources

code=0
swarm run examples/quickstart/requirements.yaml --agents examples/quickstart/agents \
    --output-dir demo-output/project --dashboard --progress --yes || code=$?

echo
if [ "$code" -eq 0 ]; then
    echo "The release: demo-output/project/dist/   the guide: demo-output/project/site/guide/index.html"
    echo "What was asked: examples/quickstart/requirements.yaml   what it started from: examples/quickstart/package/"
    echo "What the agents changed: git -C demo-output/project status"
else
    echo "The demo ended with exit code $code. What was done so far: demo-output/project/"
fi
exit "$code"
