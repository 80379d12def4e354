"""The kit that users and our own suite share: scripted agents, fixtures, failpoints."""
