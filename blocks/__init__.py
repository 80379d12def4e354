"""Prefect blocks: settings, secrets and connections as documents."""
