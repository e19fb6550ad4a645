"""Who asked for a run, and how much it planned."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("run") as run:
        run.add_column(sa.Column("actor", sa.String(), nullable=False, server_default=""))
        run.add_column(sa.Column("planned", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE run SET planned = (SELECT count(*) FROM change WHERE change.run_id = run.run_id)"
    )
