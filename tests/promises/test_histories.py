"""Random histories of both sides, with faults and kills: what must hold after every run.

The pipeline, the clients of both sides, the transport and the store are the real ones; the wire
is one of this process (``wire.py``), and the sides are the sandbox's. Profiles: ``default`` in
the suite, ``ci`` with 500 histories, ``long`` with 20,000 (``make promises``).
"""

import random
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Fault
from tests.conftest import HISTORIES, SHARES
from tests.promises.history import ADMINS, OTHERS, STAFF, History

MAILBOXES = ("ann", "bob", "cid", "dora", "emil", "fay")
STATES = ("SUSPENDED", "ACTIVATED", "STAGED", "ACTIVATED")
WHO = st.integers(0, 11)
READ_FAULTS: dict[str, Fault] = {
    "500": misfortunes.fail(500),
    "503": misfortunes.fail(503),
    "403": misfortunes.fail(403),
    "404": misfortunes.fail(404),
    "401": misfortunes.fail(401),
    "page": misfortunes.page(200, "Welcome"),
    "login": misfortunes.login(),
    "closed": misfortunes.close(),
    "lost": misfortunes.lose_answer(),
    "cut": misfortunes.cut_json(0.5),
    "truncated": misfortunes.truncate(0.5),
    "no total": misfortunes.no_total(),
    "wrong total": misfortunes.wrong_total(99),
    "rows missing": misfortunes.drop_rows(1),
    "rows twice": misfortunes.repeat_rows(1),
    "empty": misfortunes.empty_list(),
}
WRITE_FAULTS: dict[str, Fault] = {
    "500": misfortunes.fail(500),
    "400": misfortunes.fail(400),
    "503": misfortunes.fail(503),
    "done and 500": misfortunes.fail_after(500),
    "done and 503": misfortunes.fail_after(503),
    "lost": misfortunes.lose_answer(),
    "closed": misfortunes.close(),
}
LIST_OF_USERS = "/systemusers\\?|/scim/v2/Users\\?"
ROUTES = (
    "/usergroups\\?",
    "/membership",
    "/systemusers\\?",
    "/systemusers/",
    "/memberof",
    "/Users\\?",
    "/Groups\\?",
    "",
)


@pytest.fixture(autouse=True)
def _silent_log() -> Iterator[None]:
    """Log nothing."""
    structlog.configure(processors=[_drop], cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


def _drop(_logger: object, _method: str, _event: object) -> object:
    raise structlog.DropEvent


class Histories(RuleBasedStateMachine):
    """Joiners, movers and leavers, hand-made edits, faults and kills, in any order."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.history = History()
        self.strangers = 0

    def teardown(self) -> None:
        """Whatever happened, one quiet run puts everything right."""
        self.history.quiet_run()

    # ---- people

    @initialize(people=st.integers(1, 5))
    def begin(self, people: int) -> None:
        """Some are there already, and provisioned."""
        for mailbox in MAILBOXES[:people]:
            self.history.organization.hire(f"{mailbox}@example.com", groups=[STAFF])
        self.history.checked_run()

    def _person(self, who: int) -> str:
        people = sorted(self.history.organization.users)
        return people[who % len(people)] if people else ""

    def _is_free(self, email: str) -> bool:
        state = self.history.organization
        names = {n.lower() for p in state.users.values() for n in (p.email, p.username)}
        return not {email, email.partition("@")[0]} & names

    @rule(
        mailbox=st.sampled_from(MAILBOXES),
        group=st.sampled_from([STAFF, ADMINS, OTHERS]),
        state=st.sampled_from(STATES),
    )
    def join(self, mailbox: str, group: str, state: str) -> None:
        """Somebody joins, perhaps with the recycled e-mail of somebody who left."""
        if self._is_free(f"{mailbox}@example.com") and len(self.history.organization.users) < 8:
            self.history.organization.hire(f"{mailbox}@example.com", groups=[group], state=state)

    @rule(who=WHO, dangling=st.booleans())
    def leave(self, who: int, dangling: bool) -> None:
        """Somebody is deleted."""
        if person := self._person(who):
            self.history.organization.delete(person, dangling=False)
            del dangling

    @rule(who=WHO, state=st.sampled_from(STATES))
    def change_state(self, who: int, state: str) -> None:
        """Somebody is suspended, staged or active again."""
        if person := self._person(who):
            self.history.organization.change(person, state=state)

    @rule(who=WHO, group=st.sampled_from([STAFF, ADMINS, OTHERS]), joins=st.booleans())
    def move(self, who: int, group: str, joins: bool) -> None:
        """Somebody enters or leaves a group."""
        if person := self._person(who):
            state = self.history.organization
            (state.add_member if joins else state.remove_member)(group, person)

    @rule(group=st.sampled_from([STAFF, ADMINS]))
    def empty_group(self, group: str) -> None:
        """A group loses everybody."""
        state = self.history.organization
        state.remove_member(group, *list(state.group(group).members))

    @rule(who=WHO, mailbox=st.sampled_from(MAILBOXES))
    def rename(self, who: int, mailbox: str) -> None:
        """Somebody gets another name, perhaps that of somebody who left."""
        if (person := self._person(who)) and self._is_free(f"{mailbox}@example.com"):
            self.history.organization.rename(person, f"{mailbox}@example.com")

    @rule(one=WHO, other=WHO)
    def swap(self, one: int, other: int) -> None:
        """Two people swap their names."""
        state = self.history.organization
        first, second = self._person(one), self._person(other)
        if first and first != second:
            mails = state.users[first].email, state.users[second].email
            state.rename(first, "between@example.com")
            state.rename(second, mails[0])
            state.rename(first, mails[1])

    @rule(who=WHO, department=st.sampled_from(["Sales", "IT", ""]))
    def change_department(self, who: int, department: str) -> None:
        """Somebody moves to another department."""
        if person := self._person(who):
            self.history.organization.change(person, department=department)

    # ---- the platform, by hand

    def _account(self, who: int) -> dict[str, object]:
        accounts = [
            a
            for key, a in sorted(self.history.accounts().items())
            if key not in self.history.foreign
        ]
        return accounts[who % len(accounts)] if accounts else {}

    @rule(who=WHO, active=st.booleans())
    def edit_access(self, who: int, active: bool) -> None:
        """Somebody on the platform gives or takes access by hand."""
        if account := self._account(who):
            self.history.platform.edit(str(account["id"]), active=active)

    @rule(who=WHO, given=st.sampled_from(["Anna", "Bo"]))
    def edit_name(self, who: int, given: str) -> None:
        """Somebody on the platform changes a name by hand."""
        if account := self._account(who):
            self.history.platform.edit(
                str(account["id"]), name={"givenName": given, "familyName": "X"}
            )

    @rule(who=WHO)
    def delete_by_hand(self, who: int) -> None:
        """Somebody on the platform deletes an account."""
        if account := self._account(who):
            self.history.platform.delete_by_hand(str(account["id"]))

    @rule(group=WHO, who=WHO, joins=st.booleans())
    def edit_members(self, group: int, who: int, joins: bool) -> None:
        """Somebody on the platform changes the members of a group."""
        groups = self.history.platform.groups()
        account = self._account(who)
        if groups and account:
            chosen = groups[group % len(groups)]
            ids = {m["value"] for m in chosen.get("members", [])} - {account["id"]}
            ids |= {account["id"]} if joins else set()
            members = [{"value": i, "type": "User"} for i in sorted(ids)]
            self.history.platform.edit(chosen["id"], members=members or None)

    @rule(mailbox=st.sampled_from(MAILBOXES), kind=st.sampled_from(["foreign", "free", "other"]))
    def add_by_hand(self, mailbox: str, kind: str) -> None:
        """Somebody on the platform creates an account: of a foreign agent, without owner, of none."""
        self.strangers += 1
        email = f"{mailbox}@example.com" if kind != "other" else f"s{self.strangers}@else.example"
        if email.casefold() in {a["userName"].casefold() for a in self.history.accounts().values()}:
            return
        fields: dict[str, object] = {"userName": email, "active": bool(self.strangers % 2)}
        if kind == "foreign":
            fields["externalId"] = f"foreign-{self.strangers}"
        identity = self.history.platform.add_by_hand(**fields)
        if kind != "free":
            self.history.foreign.add(identity)

    # ---- runs

    @rule()
    def run_quietly(self) -> None:
        """A run without faults."""
        self.history.quiet_run()

    @rule(
        side=st.sampled_from(["directory", "platform"]),
        fault=st.sampled_from(sorted(READ_FAULTS)),
        route=st.sampled_from(ROUTES),
        lasting=st.booleans(),
    )
    def run_with_bad_reads(self, side: str, fault: str, route: str, lasting: bool) -> None:
        """A run while one route of one side answers badly, once or always.

        A platform that flawlessly denies all it holds, to one who has lost his memory of it, is
        believed: there is nothing to tell it from a new one (``docs/promises.md``).
        """
        if fault == "empty" and side == "platform" and not self.history.links():
            return
        faults = (
            self.history.directory_faults if side == "directory" else self.history.platform_faults
        )
        faults.add(READ_FAULTS[fault], method="GET", path=route, count=None if lasting else 1)
        self.history.checked_run()
        faults.clear()

    @rule(fault=st.sampled_from(sorted(WRITE_FAULTS)), nth=st.integers(1, 4), lasting=st.booleans())
    def run_with_bad_writes(self, fault: str, nth: int, lasting: bool) -> None:
        """A run while writes fail, or are done and not told."""
        for method in ("POST", "PATCH"):
            self.history.platform_faults.add(
                WRITE_FAULTS[fault], method=method, nth=nth, count=None if lasting else 1
            )
        self.history.checked_run()
        self.history.platform_faults.clear()

    @rule(seed=st.integers(0, 2**16), rate=st.sampled_from([0.05, 0.3]))
    def run_with_random_faults(self, seed: int, rate: float) -> None:
        """A run while both sides fail at random."""
        chance = random.Random(seed)
        reads = chance.sample(sorted(READ_FAULTS), 3)
        for faults in (self.history.directory_faults, self.history.platform_faults):
            faults.add_random(
                [READ_FAULTS[name] for name in reads], rate=rate, seed=seed, method="GET"
            )
        for method in ("POST", "PATCH"):
            self.history.platform_faults.add_random(
                list(WRITE_FAULTS.values()), rate=rate, seed=seed, method=method
            )
        self.history.checked_run()
        for faults in (self.history.directory_faults, self.history.platform_faults):
            faults.clear()

    @rule(at=st.integers(8, 90))
    def run_and_die(self, at: int) -> None:
        """A run is killed at some instant."""
        self.history.checked_run(die_at=at)

    @precondition(lambda self: not self.history.lost)
    @rule()
    def lose_store(self) -> None:
        """The store is gone."""
        self.history.lose_store()


@pytest.mark.parametrize("share", range(1, SHARES + 1))
def test_histories(share: int) -> None:
    """In shares, so that several processes can live through them at once."""
    del share
    run_state_machine_as_test(Histories, settings=HISTORIES)
