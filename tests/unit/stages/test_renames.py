"""Names that pass from one account to another, go round, or are kept."""

from collections.abc import Iterable

import pytest

from jcsync.model.plan import Action, Change
from jcsync.model.report import Finding, FindingKind
from jcsync.model.resource import Access, DesiredUser, Link, UserResource
from jcsync.model.rules import Policy, Scope
from jcsync.stages.diff import STEP_CREATE, STEP_GROUP_CREATE, STEP_PATCH, Rules, diff_users
from jcsync.stages.matching import match_users
from jcsync.stages.renames import arrange_names
from tests.factories import a_directory_group, a_link, a_stranger, a_user, an_account, mail


def arranged(
    people: Iterable[DesiredUser],
    accounts: Iterable[UserResource],
    *,
    links: Iterable[Link] = (),
    policy: Policy | None = None,
    only: str = "",
) -> tuple[dict[str, Change], tuple[Finding, ...]]:
    """The changes that give or free a name, by person, and what is reported."""
    policy = policy or Policy()
    matching = match_users(people, accounts, links, policy)
    rules = Rules(
        policy=policy,
        scope=Scope(),
        evidence={},
        removals=True,
        groups=(a_directory_group("Staff"),),
    )
    due = (c for c in diff_users(matching, rules).changes if only in ("", c.external_id))
    changes, findings = arrange_names(due, matching)
    return {c.external_id: c for c in changes if c.action is not Action.DEACTIVATE}, findings


def names(who: str, name: str, wanted: str, **fields: object) -> tuple[DesiredUser, UserResource]:
    """Somebody with the name that he has and the one that he shall have."""
    return a_user(who, user_name=wanted), an_account(who, user_name=name, **fields)


def test_joiner_gets_a_name_after_it_was_freed() -> None:
    """The create waits for the rename, one step later."""
    people = [a_user("old", user_name="married@x"), a_user("new", user_name="ANN@x")]

    changes, findings = arranged(people, [an_account("old", user_name="ann@x")])

    assert changes["new"].step > changes["old"].step
    assert findings == ()


def test_chain_of_renames_begins_at_its_free_end() -> None:
    """Each gets the name that the next one gives up; nobody needs an interim one."""
    both = [names(key, f"n{n}", f"n{n + 1}") for n, key in enumerate("abc")]

    changes, _ = arranged(*zip(*both, strict=True))

    assert changes["c"].step < changes["b"].step < changes["a"].step
    assert not any(change.interim for change in changes.values())


def test_returner_with_a_new_name_waits_for_it() -> None:
    """Reactivation and rename are one call, made when the name is free."""
    people = [a_user("old", user_name="married@x"), a_user("ret", user_name="ann@x")]
    accounts = [an_account("old", user_name="ann@x"), an_account("ret", active=False)]

    changes, _ = arranged(people, accounts)

    assert changes["ret"].step > changes["old"].step


@pytest.mark.parametrize("count", [2, 3, 5])
def test_ring_is_opened_by_one_interim_name(count: int) -> None:
    """One account steps aside; then each name is free when it is its turn."""
    both = [
        names(f"p{n}", f"n{n}@x.org", f"n{(n + 1) % count}@x.org", active=n != 1)
        for n in range(count)
    ]

    changes, findings = arranged(*zip(*both, strict=True))

    (first,) = (change for change in changes.values() if change.interim)
    held = {f"n{n}@x.org" for n in range(count)} - {first.rename.before} | {first.interim}
    for change in sorted(changes.values(), key=lambda c: c.step):
        assert change.step >= STEP_PATCH > STEP_CREATE
        assert change.rename.after not in held, "the name is free by then"
        held -= {change.rename.before, change.interim}
        held |= {change.rename.after}
    assert findings == ()
    assert (first.interim, first.reason.endswith("it is n0+p0@x.org in between")) == (
        "n0+p0@x.org",
        True,
    )


def test_interim_name_of_a_name_without_a_domain() -> None:
    """It looks like the others."""
    changes, _ = arranged(*zip(names("a", "n1", "n2"), names("b", "n2", "n1"), strict=True))

    assert changes["a"].interim == "n1-a"


def test_rename_to_the_own_name_in_another_spelling_waits_for_nobody() -> None:
    """Somebody does not hold up himself."""
    user = a_user("a", user_name="n1", attributes={"userName": "straße"})
    account = an_account("a", user_name="strasse", attributes={"userName": "other"})

    changes, findings = arranged([user], [account])

    assert (list(changes), findings) == (["a"], ())


def test_long_chain_of_renames_ends_before_the_groups() -> None:
    """Three thousand people who all move up one number are no reason to fail."""
    both = [names(f"{n:04}", f"n{n}", f"n{n + 1}") for n in range(3100)]

    changes, _ = arranged(*zip(*both, strict=True))

    assert max(change.step for change in changes.values()) < STEP_GROUP_CREATE


# ---------------------------------------------------------------------- names that are kept


@pytest.mark.parametrize(
    ("holder", "policy"),
    [
        pytest.param(
            names("old", "ann@x", "married@x"), Policy(protect=frozenset({"old"})), id="protected"
        ),
        pytest.param(names("old", "ann@x", "married@x"), Policy(update=False), id="not-updated"),
        pytest.param(
            (a_user("old", Access.KEEP, user_name="married@x"), names("old", "ann@x", "")[1]),
            Policy(),
            id="kept",
        ),
    ],
)
def test_name_that_somebody_keeps_is_a_conflict(
    holder: tuple[DesiredUser, UserResource], policy: Policy
) -> None:
    """Both are named, and nothing is tried that the platform has to refuse."""
    person, account = holder

    changes, (finding,) = arranged(
        [person, a_user("new", user_name="ann@x")], [account], policy=policy
    )

    assert "new" not in changes
    assert (finding.kind, finding.subject) == (FindingKind.CONFLICT, "ann@x")
    assert "the account scim-old of married@x (old) has it" in finding.message


def test_name_of_an_unmanaged_account_is_a_conflict() -> None:
    """Also where it could not be adopted by its name."""
    changes, (finding,) = arranged(
        [a_user("new")], [a_stranger("x", user_name="NEW@example.com")], policy=Policy(match=())
    )

    assert changes == {}
    assert "the account scim-x that jcsync does not manage has it" in finding.message


def test_name_that_two_accounts_have_is_one_conflict() -> None:
    """On a platform that does not insist on unique names."""
    strangers = [a_stranger(who, user_name=mail("new")) for who in "xy"]

    changes, findings = arranged([a_user("new")], strangers, policy=Policy(match=()))

    assert (changes, len(findings)) == ({}, 1)


def test_rename_to_the_name_of_a_leaver_leaves_the_name_alone() -> None:
    """And changes all else; access above all."""
    person = a_user("ann", user_name="left@x", title="CEO")
    accounts = [an_account("ann", active=False), an_account("left", user_name="left@x")]

    changes, (finding,) = arranged([person], accounts, links=[a_link("left")])

    assert changes["ann"].action is Action.REACTIVATE
    assert [a.path for a in changes["ann"].attributes] == ["active", "title"]
    assert "of left, who left the scope" in finding.message


def test_who_gets_no_name_keeps_his_own_from_the_next() -> None:
    """Along the whole chain."""
    both = [names(key, f"n{n}", f"n{n + 1}") for n, key in enumerate("abc")]
    people, accounts = (list(side) for side in zip(*both, strict=True))

    changes, findings = arranged(people, [*accounts, a_stranger("x", user_name="n3")])

    assert changes == {}
    assert {finding.subject for finding in findings} == {"n1", "n2", "n3"}


def test_nobody_gets_a_name_that_two_shall_have() -> None:
    """Neither by chance, nor in turns."""
    both = [names("a", "n1", "n3"), names("b", "n2", "N3"), names("c", "n0", "n1")]

    changes, findings = arranged(*zip(*both, strict=True))

    assert changes == {}
    assert {f.message.partition(" would have it: ")[2].partition(";")[0] for f in findings} == {
        "a, b",
        "",
    }


def test_run_about_one_of_a_ring_frees_no_name_of_the_other() -> None:
    """He keeps his own, and is told whose account he waits for."""
    both = [names("a", mail("a"), mail("b")), names("b", mail("b"), mail("a"))]

    changes, (finding,) = arranged(*zip(*both, strict=True), only="a")

    assert changes == {}
    assert "scim-b" in finding.message
