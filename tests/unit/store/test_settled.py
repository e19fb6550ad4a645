"""Settled attributes: what the platform has in place of what it was sent."""

from dataclasses import replace

from jcsync.model.plan import Action, AttributeChange, Change
from jcsync.model.report import Outcome, Status
from jcsync.model.resource import Kind, Value
from jcsync.store import SqlStore
from tests.unit.store.builders import (
    NOON,
    a_change,
    applied,
    failed,
    record_outcome,
    start,
)

PHONE = 'phoneNumbers[type eq "mobile"].value'


def setting(who: str = "ann", **values: Value) -> Change:
    """A change that sets attributes."""
    attributes = [AttributeChange(path=path, before=None, after=v) for path, v in values.items()]
    return replace(a_change(who), attributes=tuple(attributes))


def kept(path: str, *, sent: Value, held: Value) -> AttributeChange:
    return AttributeChange(path=path, before=held, after=sent)


def end(store: SqlStore, run_id: str, change: Change, *unkept: AttributeChange) -> None:
    """Let a run apply a change of which the platform kept all but these."""
    start(store, run_id, change)
    record_outcome(
        store, run_id, "keepnet", change, replace(applied(), unkept=tuple(unkept)), at=NOON
    )


def test_what_is_not_kept_comes_back(store: SqlStore) -> None:
    """By person and path, whatever the values are; other connections have their own."""
    phone = kept(PHONE, sent="+90 555", held="+90555")
    others = (kept("title", sent="Dr", held=None), kept("x", sent=True, held=1.5))

    end(store, "run-1", setting(**{PHONE: "+90 555"}), phone)
    end(store, "run-2", setting("bob", title="Dr", x=True), *others)

    assert store.settled("keepnet") == {
        "jc-ann": {PHONE: phone},
        "jc-bob": {"title": others[0], "x": others[1]},
    }
    assert store.settled("other") == {}


def test_the_next_write_decides_again(store: SqlStore) -> None:
    """A value that is kept now is forgotten, another one replaces it; other paths stay."""
    title, phone = kept("title", sent="Dr", held="dr"), kept("phone", sent="1", held="2")
    end(store, "run-1", setting(title="Dr", phone="1", nick="A"), title, phone)

    end(store, "run-2", setting(title="Prof", nick="B"))
    assert store.settled("keepnet") == {"jc-ann": {"phone": phone}}

    again = kept("phone", sent="3", held="2")
    end(store, "run-3", setting(phone="3"), again)
    assert store.settled("keepnet") == {"jc-ann": {"phone": again}}


def test_only_applied_changes_of_users_tell_anything(store: SqlStore) -> None:
    """A failed change, a group and a change without attributes leave all as it is."""
    title = kept("title", sent="Dr", held="dr")
    end(store, "run-1", setting(title="Dr"), title)
    start(store, "run-2", setting(title="Prof"))
    record_outcome(store, "run-2", "keepnet", setting(title="Prof"), failed(), at=NOON)
    end(store, "run-3", replace(setting(title="Prof"), kind=Kind.GROUP))
    end(store, "run-4", a_change(action=Action.DEACTIVATE))
    start(store, "run-5", setting(title="Prof"))
    waiting = Outcome(n=1, status=Status.NOT_ATTEMPTED, attempts=0)
    record_outcome(store, "run-5", "keepnet", setting(title="Prof"), waiting, at=NOON)

    assert store.settled("keepnet") == {"jc-ann": {"title": title}}
