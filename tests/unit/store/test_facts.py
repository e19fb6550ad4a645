"""What was learnt of a platform, as the store keeps it."""

from datetime import timedelta

from sqlalchemy import text

from jcsync.model.facts import Facts, Learnt
from jcsync.store import SqlStore
from tests.unit.store.builders import NOON, database_of

ALL = Facts(
    described=True,
    patch=True,
    versions=False,
    bulk_operations=100,
    bulk_bytes=1_000_000,
    cursors=True,
    needs_cursor=True,
    most_results=200,
    page_size=50,
    skips=False,
    filters={"externalId": False},
    ignores_case=False,
    external_id=True,
    members="group",
    attributes=("title", "username"),
)


def test_facts_come_back_as_they_were(store: SqlStore) -> None:
    """Of each connection the newest, with its age."""
    assert store.learnt("keepnet") is None
    store.record_learnt("keepnet", Learnt(facts=Facts(), subject="rfc 1", at=NOON))
    newest = Learnt(facts=ALL, subject="aws 1", at=NOON + timedelta(days=1))
    store.record_learnt("keepnet", newest)

    assert store.learnt("keepnet") == newest
    assert store.learnt("other") is None
    assert store.connection("keepnet").learnt_at == newest.at


def test_facts_of_another_version_are_no_facts(store: SqlStore) -> None:
    """They are learnt anew."""
    store.record_learnt("keepnet", Learnt(facts=ALL, subject="aws 1", at=NOON))
    with database_of(store).write() as tx:
        tx.execute(text("""UPDATE learnt SET facts = '{"patch": true}'"""))

    assert store.learnt("keepnet") is None


def test_who_holds_the_lease_does_not_matter(store: SqlStore) -> None:
    """A check beside a run may keep what it learnt."""
    with store.lease("keepnet", "other:1"):
        store.record_learnt("keepnet", Learnt(facts=ALL, subject="aws 1", at=NOON))

    assert store.learnt("keepnet") is not None
