"""Where the state folder lies, and how its journal is opened."""

from pathlib import Path

import platformdirs

from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal


def state_folder(settings: Settings) -> Path:
    """Give the folder of journal, logs and token: the setting `home`, else the user's state folder."""
    return Path(settings.home).expanduser() if settings.home else platformdirs.user_state_path("prefect-swarm")


def open_journal(settings: Settings) -> Journal:
    """Open the journal that the settings name. Raises JournalError where that fails."""
    return Journal(settings.journal) if settings.journal else Journal.at(state_folder(settings))
