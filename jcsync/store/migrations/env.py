"""What Alembic runs: the migrations, in the transaction that ``schema.py`` has begun."""

from alembic import context

from jcsync.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite alters a table by rebuilding it.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
