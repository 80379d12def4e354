"""Prefect flows: the loop that asks the core what to do and has it done."""
