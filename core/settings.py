"""What a user may set: one frozen model, filled at the edges from the environment and options."""

from collections.abc import Mapping
from typing import Annotated, get_origin

from pydantic import Field, ValidationError

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.requirement import Value

PREFIX = "SWARM_"
Delay = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Settings(Value):
    """Every setting, with its default; the environment variable is `SWARM_` and the name in capitals."""

    home: str = Field(default="", description="State folder (journal, logs, token); empty: the user's state folder.")
    journal: str = Field(default="", description="Database URL of the journal; empty: SQLite in the state folder.")
    runner: str = Field(default="", description="Runner of agents whose card names none.")
    max_parallel: int = Field(default=3, ge=1, le=1000, description="Attempts running at the same time.")
    retry_delays: tuple[Delay, ...] = Field(
        default=(5.0, 15.0, 30.0),
        min_length=1,
        max_length=50,
        description="Seconds before each retry; the last repeats.",
    )
    retries: int = Field(default=2, ge=0, le=50, description="Retries of an item.")
    retries_high: int = Field(default=3, ge=0, le=50, description="Retries of an item of high or critical priority.")
    checkpoint_every: int = Field(default=3, ge=1, description="Completed items between two checkpoints.")
    idle_timeout: float = Field(default=600.0, gt=0, description="Seconds an agent may stay silent.")
    pass_env: tuple[str, ...] = Field(default=(), description="Names of further environment variables that agents get.")
    rehearsal_seconds: float = Field(default=2.0, gt=0, description="Seconds that a rehearsed attempt takes.")
    lease_seconds: float = Field(default=15.0, gt=0, description="Seconds until a silent executor counts as dead.")
    server_start_timeout: float = Field(
        default=180.0, gt=0, description="Seconds a private Prefect server may take to start."
    )
    websocket_port: int = Field(default=8765, ge=1, le=65535, description="Port of the WebSocket stream.")
    http_port: int = Field(default=8000, ge=1, le=65535, description="Port of REST and dashboard.")
    confidence: float = Field(
        default=0.5, ge=0, le=1, description="Probability of being right, below which an agent's choice is uncertain."
    )


def settings_from(environ: Mapping[str, str], **given: object) -> Settings:
    """Build the settings from an environment, options that are not None winning.

    Lists are separated by commas. Raises UsageError naming the variable that does not fit.
    """
    values: dict[str, object] = {}
    for name, field in Settings.model_fields.items():
        text = environ.get(PREFIX + name.upper())
        if text:
            values[name] = _entries(text) if get_origin(field.annotation) is tuple else text
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(f"{PREFIX}{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        raise UsageError(f"settings do not fit: {wrong}") from error


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]
