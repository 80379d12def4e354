"""Exit codes that do not follow from how a run stands; importing this costs nothing."""

UNTOLD = 5
"""The outcome stands in the journal, but Prefect could not be told."""
INTERRUPTED = 130
"""Stopped by its operator, as after Ctrl-C; `swarm resume` goes on."""
BROKEN_PIPE = 141
"""Nobody reads our output any more, as shells report SIGPIPE."""
