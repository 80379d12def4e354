"""The pure heart: what was asked, who does it, in which order, and what has happened so far."""
