"""How new runs are called."""

import secrets
import time

from prefect_swarm.core.ids import RunId


def new_run_id() -> RunId:
    """Make an id for a run that sorts by time and is easily said."""
    return RunId(f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
