"""A scripted agent that costs next to nothing: a few lines of shell, for runs that are killed a thousand times.

It keeps the same ledger as `fakeagent`, synced to disk line by line. What it makes follows from what the items
it waits for have made, so that two runs of a plan end with the same files only if nothing ran too early.
"""

from pathlib import Path

from prefect_swarm.testing.plans import Part, file_of

SCRIPT = """
ledger=$1; seconds=$2; fail=$3; made=$4; shift 4
note() {
    up=0; if [ -r /proc/uptime ]; then read -r up _ < /proc/uptime; fi
    printf '{"what":"%s","item":"%s","attempt":%s,"pid":%s,"at":%s}\\n' \\
        "$1" "$SWARM_ITEM" "$SWARM_ATTEMPT" $$ "$up" >> "$ledger"
    sync "$ledger"
}
note start
sleep "$seconds"
if [ "$SWARM_ATTEMPT" -le "$fail" ]; then note end; exit 1; fi
{ echo "$SWARM_REQUIREMENT"; cat /dev/null "$@" | cksum; } > "$made"
note end
"""


QUICK, SLOW = 0.05, 0.5
"""Seconds that most agents work, and those that would still be at work when a killed executor has a successor."""
RARE = 7
"""One in so many is slow, and one in so many fails at first."""


def quick_part(name: str, *, ledger: Path, needs: tuple[str, ...] = (), seconds: float = QUICK, fail: int = 0) -> Part:
    """Make a part whose agent works so many seconds, after so many attempts that fail."""
    files = (file_of(one) for one in needs)
    argv = ("sh", "-c", SCRIPT, "quickagent", str(ledger), f"{seconds:g}", str(fail), file_of(name), *files)
    return Part(name, needs=needs, retries=fail + 1, argv=argv)


def layered(width: int, layers: int, *, ledger: Path) -> tuple[Part, ...]:
    """Make layers of parts, each of which waits for two of the layer before."""
    return tuple(
        quick_part(
            _name(layer, place),
            ledger=ledger,
            needs=() if layer == 0 else tuple(sorted({_name(layer - 1, place), _name(layer - 1, (place + 1) % width)})),
            seconds=SLOW if (layer * width + place) % RARE == 0 else QUICK,
            fail=int((layer * width + place) % RARE == RARE // 2),
        )
        for layer in range(layers)
        for place in range(width)
    )


def _name(layer: int, place: int) -> str:
    return f"L{layer}P{place}"
