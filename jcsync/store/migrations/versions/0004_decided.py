"""The keys of people are kept once."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        with op.batch_alter_table(
            "decided", recreate="always", table_kwargs={"sqlite_with_rowid": False}
        ):
            pass
