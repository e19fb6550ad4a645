"""Random histories of both sides, with faults and kills: what must hold after every run.

The pipeline, the clients of both sides, the transport and the store are the real ones; the wire
is one of this process (``wire.py``), and the sides are the sandbox's. Profiles: ``default`` in
the suite, ``ci`` with 500 histories, ``long`` with 20,000 (``make promises``).
"""

import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from jcsync.sandbox import misfortunes
from jcsync.sandbox.faults import Fault
from tests.conftest import HISTORIES, SHARES
from tests.promises.history import ADMINS, STAFF
from tests.promises.people import WHO, People

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
}
LIES: dict[str, Fault] = {
    "empty": misfortunes.empty_list(),
    "one hidden": misfortunes.hide_rows(1),
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
ROUTES = {
    "directory": (
        "/usergroups\\?",
        "/membership",
        "/systemusers\\?",
        "/systemusers/",
        "/memberof",
        "",
    ),
    "platform": ("/Users\\?", "/Users/", "/Groups\\?", ""),
}
WHERE = st.sampled_from([(side, route) for side in ROUTES for route in ROUTES[side]])


def _has_something_to_do(histories: People) -> bool:
    """Whether things have happened that a run may have to answer: else no fault would meet it."""
    return histories.steps > 1


class Histories(People):
    """Joiners, movers and leavers, hand-made edits, faults and kills, in any order."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.strangers = 0

    def teardown(self) -> None:
        """Whatever happened, one quiet run puts everything right."""
        self.history.quiet_run()

    @initialize(people=st.integers(1, 3), groups=st.sampled_from([[STAFF], [STAFF, ADMINS]]))
    def begin(self, people: int, groups: list[str]) -> None:
        """Some are there already, and provisioned."""
        for _ in range(people):
            self.join(0, groups)
        self.history.checked_run()

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

    @rule(group=WHO, deletes=st.booleans())
    def harm_group(self, group: int, deletes: bool) -> None:
        """Somebody on the platform renames or deletes a group by hand."""
        if groups := self.history.platform.groups():
            chosen = groups[group % len(groups)]["id"]
            if deletes:
                self.history.platform.delete_by_hand(chosen)
            else:
                self.history.platform.edit(chosen, displayName="Renamed by hand")

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

    @rule(
        which=WHO,
        kind=st.sampled_from(["free", "foreign", "other"]),
        active=st.booleans(),
        joins=st.booleans(),
    )
    def add_by_hand(self, which: int, kind: str, active: bool, joins: bool) -> None:
        """Somebody on the platform creates an account, perhaps under the name of a joiner.

        It is of a foreign agent, without owner and free to be adopted, or of no interest.
        """
        self.strangers += 1
        email = self.free_email(which) if kind != "other" else f"s{self.strangers}@else.example"
        names = {a["userName"].casefold() for a in self.history.accounts().values()}
        if not email or email in names:
            return
        fields: dict[str, object] = {"userName": email, "active": active}
        if kind == "foreign":
            fields["externalId"] = f"foreign-{self.strangers}"
        identity = self.history.platform.add_by_hand(**fields)
        if kind != "free":
            self.history.foreign.add(identity)
        if joins:
            self.join(which, [STAFF])

    # ---- runs

    @precondition(lambda self: self.steps)
    @rule()
    def run_quietly(self) -> None:
        """A run without faults."""
        self.history.quiet_run()
        self.steps = -1

    @precondition(_has_something_to_do)
    @rule(where=WHERE, fault=st.sampled_from(sorted(READ_FAULTS)), lasting=st.booleans())
    def run_with_bad_reads(self, where: tuple[str, str], fault: str, lasting: bool) -> None:
        """A run while one route of one side answers badly, once or always."""
        if where[0] == "directory" or fault != "rows missing" or self.history.knows_all():
            self._run_with_reads(where, READ_FAULTS[fault], lasting=lasting)

    @precondition(_has_something_to_do)
    @rule(where=WHERE, lie=st.sampled_from(sorted(LIES)), lasting=st.booleans(), deaf=st.booleans())
    def run_with_lies(self, where: tuple[str, str], lie: str, lasting: bool, deaf: bool) -> None:
        """A run while a flawless list of one side leaves something out.

        A platform that so denies what jcsync does not know of any more is believed: there is
        nothing to tell it from a new one (``docs/promises.md``). So is one that counts what
        neither its lists nor its filters give (``rows missing``): some count too many.
        """
        if deaf:  # nor does the directory answer who is asked for again
            self.history.directory_faults.add(
                READ_FAULTS["500"], path="/systemusers/|/memberof", count=None
            )
        if where[0] == "directory" or self.history.knows_all():
            self._run_with_reads(where, LIES[lie], lasting=lasting)
        self.history.directory_faults.clear()

    def _run_with_reads(self, where: tuple[str, str], fault: Fault, *, lasting: bool) -> None:
        side, route = where
        faults = {
            "directory": self.history.directory_faults,
            "platform": self.history.platform_faults,
        }[side]
        faults.add(fault, method="GET", path=route, count=None if lasting else 1)
        self.history.checked_run()
        faults.clear()

    @precondition(_has_something_to_do)
    @rule(fault=st.sampled_from(sorted(WRITE_FAULTS)), nth=st.integers(1, 4), lasting=st.booleans())
    def run_with_bad_writes(self, fault: str, nth: int, lasting: bool) -> None:
        """A run while writes fail, or are done and not told."""
        for method in ("POST", "PATCH"):
            self.history.platform_faults.add(
                WRITE_FAULTS[fault], method=method, nth=nth, count=None if lasting else 1
            )
        self.history.checked_run()
        self.history.platform_faults.clear()

    @precondition(_has_something_to_do)
    @rule(seed=st.integers(0, 2**16), rate=st.sampled_from([0.05, 0.3]))
    def run_with_random_faults(self, seed: int, rate: float) -> None:
        """A run while both sides fail at random."""
        chance = random.Random(seed)
        reads = chance.sample(sorted(READ_FAULTS.keys() - {"rows missing"}), 3)
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

    @precondition(_has_something_to_do)
    @rule(at=st.lists(st.integers(1, 24), min_size=1, max_size=2))
    def run_and_die(self, at: list[int]) -> None:
        """A run is killed before or after one of its writes, and perhaps the next one too."""
        for instant in at:
            self.history.checked_run(die_at=instant)

    @rule(which=WHO, at=st.integers(5, 16))
    def join_and_leave_around_a_death(self, which: int, at: int) -> None:
        """Somebody joins, a run dies, perhaps when it has created his account, and he has left."""
        before = self.history.organization.users.keys() | set()
        self.join(which, [STAFF])
        self.history.checked_run(die_at=at)
        for person in self.history.organization.users.keys() - before:
            self.history.organization.delete(person)

    @precondition(lambda self: not self.history.lost)
    @rule()
    def lose_store(self) -> None:
        """The store is gone."""
        self.history.lose_store()


@pytest.mark.parametrize("share", range(1, SHARES + 1))
@pytest.mark.usefixtures("silent_log")
def test_histories(share: int) -> None:
    """In shares, so that several processes can live through them at once."""
    del share
    run_state_machine_as_test(Histories, settings=HISTORIES)
