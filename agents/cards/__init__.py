"""The built-in roster: one Markdown card per agent."""
