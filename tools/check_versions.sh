#!/usr/bin/env bash
# Does the product start at the lowest and at the highest versions that pyproject.toml allows?
# For each end: a fresh environment with the run-time dependencies only; every room is imported, the command answers,
# and Prefect's server comes up (FastAPI has broken it before, by a release that pip was free to choose).
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

unset PYTHONDONTWRITEBYTECODE # see setup.sh
for name in $(compgen -e); do
    case "$name" in PREFECT_* | SWARM_*) unset "$name" ;; esac
done
export PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    "$python" -m venv "$work/uv"
    "$work/uv/bin/pip" install --quiet --disable-pip-version-check uv
    uv="$work/uv/bin/uv"
fi

free_port() {
    "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Start Prefect's server with an empty home, wait until it is healthy (at most 180 s), and end it again.
check_server() {
    local bin=$1 home=$2 port
    port=$(free_port)
    PREFECT_HOME="$home" PREFECT_UI_STATIC_DIRECTORY="$home/ui" \
        "$bin/prefect" server start --host 127.0.0.1 --port "$port" >"$home.log" 2>&1 &
    server=$!
    if ! "$bin/python" tools/await_health.py "http://127.0.0.1:$port/api/health" "$server" 180; then
        tail -n 30 "$home.log" >&2
        return 1
    fi
    kill "$server"
    wait "$server" || true
    server=
}

rooms=$("$python" -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["tool"]["setuptools"]["packages"])')

for resolution in lowest-direct highest; do
    venv="$work/$resolution"
    echo "versions: $resolution: installing"
    "$uv" venv --quiet --python "$(command -v "$python")" "$venv"
    "$uv" pip install --quiet --python "$venv/bin/python" --compile-bytecode --resolution "$resolution" .
    (
        cd "$work" # away from the sources, so that the installed wheel is what is imported
        for room in $rooms; do "$venv/bin/python" -c "import $room"; done
        "$venv/bin/swarm" --help >/dev/null
    )
    check_server "$venv/bin" "$work/prefect-$resolution"
    "$uv" pip list --quiet --python "$venv/bin/python" | grep -E '^(prefect|fastapi|pydantic|sqlalchemy|websockets|redis) '
    echo "versions: $resolution: fine"
done
