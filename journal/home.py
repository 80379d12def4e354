"""Where the state folder is, and the journal in it."""

from functools import cache
from pathlib import Path

import platformdirs

from prefect_swarm.core.ids import RunId, plain_run_id
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal


def state_folder(settings: Settings) -> Path:
    """Give the state folder: the setting `home`, else the user's state folder for this program."""
    if settings.home:
        return Path(settings.home).expanduser().absolute()
    return platformdirs.user_state_path("prefect-swarm", appauthor=False)


def runs_folder(settings: Settings) -> Path:
    """Give the folder that holds one folder for each run."""
    return state_folder(settings) / "runs"


def run_folder(settings: Settings, run_id: RunId) -> Path:
    """Give the folder of a run's prompts and logs. Raises UsageError for an id that could lead out of it."""
    return runs_folder(settings) / plain_run_id(run_id)


def open_journal(settings: Settings) -> Journal:
    """Give this process's journal for the settings: one for all who ask, so that they share its feed.

    Raises JournalError where it cannot be opened.
    """
    return _open_url(settings.journal) if settings.journal else _open_folder(state_folder(settings))


@cache
def _open_url(url: str) -> Journal:
    return Journal(url)


@cache
def _open_folder(folder: Path) -> Journal:
    return Journal.at(folder)
