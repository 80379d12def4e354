"""The command `swarm`: every subcommand a few lines over the rooms."""
