"""Alembic's directory: one module in ``versions`` for every change of the tables."""
