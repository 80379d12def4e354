"""Where the state folder is, and the journal in it."""

from pathlib import Path

import platformdirs

from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal


def state_folder(settings: Settings) -> Path:
    """Give the state folder: the setting `home`, else the user's state folder for this program."""
    if settings.home:
        return Path(settings.home).expanduser().absolute()
    return platformdirs.user_state_path("prefect-swarm", appauthor=False)


def open_journal(settings: Settings) -> Journal:
    """Open the journal that the settings name. Raises JournalError where it cannot be opened."""
    return Journal(settings.journal) if settings.journal else Journal.at(state_folder(settings))
