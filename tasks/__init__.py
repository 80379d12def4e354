"""Prefect tasks: one attempt of one work item."""
