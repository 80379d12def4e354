#!/usr/bin/env bash
# Makes .venv hold the project in editable form with everything the make targets need.
# Uses uv where it is on PATH, else python3's own venv and pip.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=.venv

# Prefect takes 2-4 s to import and far longer uncompiled, so the installer must be free to write bytecode.
unset PYTHONDONTWRITEBYTECODE

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "setup: prefect-swarm needs Python 3.11 or newer, and '$python' is not that." >&2
    echo "setup: name another one: make setup PYTHON=python3.13" >&2
    exit 1
fi

if command -v uv >/dev/null; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --python "$(command -v "$python")" "$venv"
    uv pip install --quiet --python "$venv/bin/python" --compile-bytecode -c constraints.txt -e '.[demo,dev]'
else
    if [ ! -x "$venv/bin/python" ]; then
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "setup: '$python' cannot make virtual environments here. On Debian and Ubuntu type:" >&2
            echo "    apt-get install python3-venv" >&2
            exit 1
        fi
        "$python" -m venv "$venv"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]'
fi
touch "$venv/.installed"
echo "setup: $("$venv/bin/python" --version) in $venv is ready"
