"""Waits until a server answers: `await_health.py URL PID SECONDS`; fails at once when the process has ended."""

import os
import sys
import time
import urllib.request
from http import HTTPStatus


def healthy(url: str) -> bool:
    """Tell whether the address answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - the caller names a loopback address
            return bool(response.status == HTTPStatus.OK)
    except OSError:
        return False


def alive(pid: int) -> bool:
    """Tell whether the process still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main(url: str, pid: int, seconds: float) -> int:
    """Return 0 as soon as the server is healthy, 1 when it has ended or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and alive(pid):
        if healthy(url):
            return 0
        time.sleep(0.5)
    print(f"{url} did not answer", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
