"""What an agent and a check may see of our environment: an allow-list, never Prefect's or our own addresses."""

from collections.abc import Mapping

from prefect_swarm.core.ports import Assignment

ALLOWED = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TERM",
        "TMPDIR",
        "TZ",
        "VIRTUAL_ENV",
        "NO_COLOR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ]
) | {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPYCACHEPREFIX", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
"""Names that pass; `LC_*` passes too."""
MARKER = ("SWARM_RUN", "SWARM_ITEM", "SWARM_ATTEMPT")
"""Names by which the processes of an attempt are found again, whatever they become."""


def environment_for(assignment: Assignment, ours: Mapping[str, str], pass_env: tuple[str, ...]) -> dict[str, str]:
    """Build the environment of an attempt's processes from ours: allowed names, those to pass, and `SWARM_*`."""
    passed = {
        name: value for name, value in ours.items() if name in ALLOWED or name.startswith("LC_") or name in pass_env
    }
    return passed | {
        "SWARM_RUN": assignment.run_id,
        "SWARM_ITEM": assignment.item,
        "SWARM_REQUIREMENT": assignment.requirement.id,
        "SWARM_ATTEMPT": str(assignment.attempt),
        "SWARM_PROMPT_FILE": f"{assignment.folder}/prompt.md",
        "SWARM_RESULT_FILE": f"{assignment.folder}/result.json",
    }
