"""Whole runs between two sides and a store in memory."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jcsync.errors import (
    JcsyncError,
    LeaseLostError,
    RejectedError,
    SettingsError,
    StoreError,
    TransientError,
    UnauthorizedError,
)
from jcsync.model.directory import DirectoryState, Organization, UserState
from jcsync.model.history import RATES, HoldStatus
from jcsync.model.limits import Limit, Limits
from jcsync.model.path import ENTERPRISE_USER
from jcsync.model.plan import Action, Change
from jcsync.model.report import ErrorKind, FindingKind, RunOutcome, RunReport, Status
from jcsync.model.resource import Kind, Link, UserResource
from jcsync.model.rules import GroupPolicy, GroupRemoval, Policy, Removal, Scope
from jcsync.pipeline import Connection, Order, decide, map_directory, recall, run
from tests.factories import (
    RULES,
    WORK,
    a_directory,
    a_group,
    a_group_link,
    a_link,
    a_person,
    a_rule,
    a_stranger,
    an_account,
    evidence_of,
    mail,
)
from tests.fakes import (
    FakeDirectory,
    FakeProvider,
    FakeStore,
    FixedClock,
    applied,
    failing,
    refused,
)

pytestmark = pytest.mark.usefixtures("silent_log")

APPLY, PLAN = Order(apply=True), Order(apply=False)


def in_step(who: str, **fields: object) -> UserResource:
    """An account of somebody that needs no change."""
    account = an_account(who, **fields)
    return replace(
        account,
        attributes={"userName": account.user_name, WORK: mail(who), **account.attributes},
        emails=(mail(who),),
    )


@dataclass
class World:
    """Two sides, a store, and what lies between them."""

    state: DirectoryState
    provider: FakeProvider = field(default_factory=FakeProvider)
    store: FakeStore = field(default_factory=FakeStore)
    policy: Policy = field(default_factory=Policy)
    groups: GroupPolicy = field(default_factory=GroupPolicy)
    limits: Limits = field(default_factory=Limits)
    scope: Scope = field(default_factory=Scope)
    stop: threading.Event = field(default_factory=threading.Event)
    workers: int = 4

    def __post_init__(self) -> None:
        """Connect the directory."""
        self.directory = FakeDirectory(self.state)

    @property
    def connection(self) -> Connection:
        """What a run works with."""
        return Connection(
            name="keepnet",
            directory=self.directory,
            provider=self.provider,
            store=self.store,
            clock=FixedClock(),
            scope=self.scope,
            policy=self.policy,
            group_policy=self.groups,
            rules=RULES,
            limits=self.limits,
            owner="host:1",
            actor="ann@host",
            workers=self.workers,
            stop=self.stop,
        )

    def run(
        self, order: Order = APPLY, told: list[tuple[str, int, int]] | None = None
    ) -> RunReport:
        """One run."""
        said = [] if told is None else told
        return run(self.connection, order, lambda *step: said.append(step))


def of(*people: str, gone: tuple[str, ...] = (), **fields: object) -> World:
    """A world in which these people have accounts, and those who are gone too."""
    everybody = (*people, *gone)
    return World(
        a_directory(*map(a_person, people)),
        provider=FakeProvider(*map(in_step, everybody)),
        store=FakeStore.of(*map(a_link, everybody)),
        **fields,  # type: ignore[arg-type]
    )


def crowd(size: int) -> tuple[str, ...]:
    """So many people."""
    return tuple(f"u{n:03}" for n in range(size))


def done(report: RunReport) -> list[tuple[Action, str]]:
    """The changes of a report."""
    assert report.plan is not None
    return [(change.action, change.external_id) for change in report.plan.changes]


def kinds(report: RunReport) -> set[FindingKind]:
    """What a report found."""
    return {finding.kind for finding in report.findings}


def test_joiner_mover_and_leaver() -> None:
    """The platform agrees with the directory afterwards, and the store knows why."""
    world = of("mia", gone=("lea",))
    world.directory.state = a_directory(a_person("mia", jobTitle="CEO"), a_person("joe"))

    report = world.run()

    assert report.outcome is RunOutcome.APPLIED
    assert done(report) == [
        (Action.CREATE, "joe"),
        (Action.PATCH, "mia"),
        (Action.DEACTIVATE, "lea"),
    ]
    assert world.provider.active() == {mail("mia"), mail("joe")}
    assert [outcome.n for outcome in report.outcomes] == [1, 2, 3]
    assert {link.external_id for link in world.store.links("")} == {"mia", "joe", "lea"}
    assert world.store.reports == [report]
    assert (report.directory_users, report.provider_users) == (2, 2)


def test_second_run_has_nothing_to_do_and_writes_nothing() -> None:
    """Neither to the platform nor to the links."""
    world = of("mia", gone=("lea",))
    world.run()
    writes, links = list(world.provider.writes), dict(world.store.kept)

    report = world.run()

    assert (report.outcome, done(report)) == (RunOutcome.IN_SYNC, [])
    assert world.provider.writes == writes
    assert world.store.kept == links
    assert report.violations == ()


def test_rates_that_the_platform_bore_are_remembered() -> None:
    """Those of the last run in which a request was refused; a run without a refusal changes nothing."""
    world = of("ann")
    for rates in ({"POST": 8.5}, {}):
        world.provider.rates = rates
        world.run()
        assert json.loads(world.store.kept_memos["keepnet", RATES].value) == {"POST": 8.5}


def test_plan_writes_nothing_anywhere() -> None:
    """Not even that it was made; no lease is needed."""
    world = of("mia", gone=("lea",))
    world.store.owner = "another run"

    report = world.run(PLAN)

    assert (report.outcome, done(report)) == (RunOutcome.PLANNED, [(Action.DEACTIVATE, "lea")])
    assert (world.provider.writes, world.store.calls, report.outcomes) == ([], [], ())


def test_plan_of_a_world_in_step() -> None:
    """There is nothing to plan, whoever is blocked."""
    assert of("mia").run(PLAN).outcome is RunOutcome.IN_SYNC


def test_progress_is_told() -> None:
    """A person who waits sees how far it is."""
    told: list[tuple[str, int, int]] = []

    of(gone=("lea",)).run(APPLY, told)

    assert told == [("read", 0, 0), ("decide", 0, 0), ("apply", 0, 1), ("apply", 1, 1)]


# ---------------------------------------------------------------------- limits and holds


def test_plan_beyond_a_limit_changes_nothing() -> None:
    """It is held, with all that it would have done."""
    world = of("ann", gone=crowd(9))

    report = world.run()

    assert (report.outcome, report.hold) == (RunOutcome.HELD, 1)
    assert [violation.limit for violation in report.violations] == ["deactivate.percent"]
    assert (world.provider.writes, report.outcomes) == ([], ())
    assert list(world.store.plans) == [report.run_id]


def test_same_plan_is_held_once() -> None:
    """However often it is due again."""
    world = of("ann", gone=crowd(9))

    assert [world.run().hold for _ in range(3)] == [1, 1, 1]
    assert world.store.calls.count("plan") == 1


def test_approved_plan_is_applied_after_everybody_was_asked_for() -> None:
    """Limits are waived for exactly that plan, confirmation is not."""
    world = of("ann", gone=crowd(200))
    digest = world.run().plan.digest  # type: ignore[union-attr]
    assert not any(call.startswith("evidence") for call in world.directory.calls)

    report = world.run(Order(apply=True, digest=digest, approved=world.store.holds()[0]))

    assert report.outcome is RunOutcome.APPLIED
    assert world.provider.active() == {mail("ann")}
    assert sum(call.startswith("evidence") for call in world.directory.calls) == 200
    assert world.store.holds()[0].status in (HoldStatus.APPROVED, HoldStatus.APPLIED)


def test_approved_plan_that_is_not_due_any_more_is_refused() -> None:
    """One of those who had left is back: another plan, another decision."""
    world = of("ann", gone=crowd(9))
    digest = world.run().plan.digest  # type: ignore[union-attr]
    world.directory.state = a_directory(a_person("ann"), a_person("u000"))

    report = world.run(Order(apply=True, digest=digest, approved=world.store.holds()[0]))

    assert report.error is not None
    assert report.error.kind is ErrorKind.STALE_PLAN
    assert "jcsync plan keepnet" in report.error.message
    assert world.provider.writes == []
    assert world.store.holds(open_only=True)


def test_approval_does_not_overrule_the_record_of_a_person() -> None:
    """Who turns out to be in the group is not deactivated by an approved plan."""
    world = of("ann", gone=crowd(200))
    digest = world.run().plan.digest  # type: ignore[union-attr]
    world.directory.truth["u007"] = evidence_of(a_person("u007"), "Staff")

    report = world.run(Order(apply=True, digest=digest, approved=world.store.holds()[0]))

    assert report.error is not None
    assert report.error.kind is ErrorKind.STALE_PLAN
    assert world.provider.writes == []


def test_saved_plan_beyond_its_limits_is_held() -> None:
    """To save a plan is not to approve it."""
    world = of("ann", gone=crowd(9))
    digest = world.run(PLAN).plan.digest  # type: ignore[union-attr]

    assert world.run(Order(apply=True, digest=digest)).outcome is RunOutcome.HELD


def test_hold_ends_with_its_cause() -> None:
    """A run within its limits supersedes it, a run about one person does not."""
    world = of("ann", gone=crowd(9))
    world.run()
    world.run(Order(apply=True, who="u000"))
    assert len(world.store.holds(open_only=True)) == 1

    world.directory.state = a_directory(*map(a_person, ("ann", *crowd(9))))
    world.run()

    assert world.store.holds(open_only=True) == ()


# ---------------------------------------------------------------------- incomplete reads


def test_half_a_directory_takes_nothing_from_anybody() -> None:
    """It still gives access to those it is sure of."""
    world = of(gone=("lea",))
    world.directory.state = a_directory(a_person("joe"), gaps=("a page was short",))

    report = world.run()

    assert done(report) == [(Action.CREATE, "joe")]
    assert (report.outcome, report.directory_complete) == (RunOutcome.PARTIAL, False)
    assert kinds(report) == {FindingKind.INCOMPLETE}
    assert mail("lea") in world.provider.active()


def test_group_that_was_read_in_part_takes_nothing_from_anybody() -> None:
    """Nobody loses access or a membership, in this group or another."""
    world = of("ann", gone=("lea",), groups=GroupPolicy(enabled=True))
    world.provider.groups["scim-staff"] = a_group("Staff", "ann", "lea")
    world.directory.state = a_directory(a_person("ann"), broken=("Staff",))

    report = world.run()

    assert done(report) == []


def test_half_a_platform_creates_nobody_twice() -> None:
    """Those whom the list does not show are looked up one by one."""
    world = of("ann", "bob")
    world.store.kept.clear()
    world.provider.hidden, world.provider.gaps = frozenset({"scim-bob"}), ("the total changed",)
    world.directory.state = a_directory(*map(a_person, ("ann", "bob", "joe")))

    report = world.run()

    assert done(report) == [(Action.CREATE, "joe")]
    assert [call for call in world.provider.calls if "find" in call] == ["find bob", "find joe"]
    assert not report.provider_complete


def test_link_outlives_half_a_platform() -> None:
    """The account that is not shown is still ours."""
    world = of(gone=("lea",))
    world.provider.hidden, world.provider.gaps = frozenset({"scim-lea"}), ("the total changed",)

    world.run()

    assert world.store.links("") == (a_link("lea"),)


def test_nobody_leaves_when_nobody_can_be_asked() -> None:
    """A failed question makes the read incomplete."""
    world = of("ann", gone=("lea",))
    world.directory.fails = failing("evidence", error=refused("503 of JumpCloud"))

    report = world.run()

    assert done(report) == []
    assert not report.directory_complete
    assert "503 of JumpCloud" in report.findings[0].message


def test_side_that_cannot_be_read_ends_the_run() -> None:
    """There is no plan, and the store knows why."""
    world = of("ann")
    world.provider.fails = failing("state", error=refused())

    report = world.run()

    assert (report.outcome, report.plan) == (RunOutcome.FAILED, None)
    assert report.error is not None
    assert report.error.kind is ErrorKind.UNREADABLE
    assert world.store.reports == [report]


# ---------------------------------------------------------------------- one person


def test_run_about_one_person_changes_nobody_else() -> None:
    """And asks for nobody else."""
    world = of("ann", gone=("lea", "leo"))

    report = world.run(Order(apply=True, who=mail("lea")))

    assert (report.mode, done(report)) == ("user", [(Action.DEACTIVATE, "lea")])
    assert [c for c in world.directory.calls if "evidence" in c] == ["evidence lea"]


def test_run_about_one_of_a_crowd_still_asks_for_him() -> None:
    """A plan of one change passes every limit, so the list alone must not do."""
    world = of("ann", gone=crowd(200))
    world.directory.truth["u007"] = evidence_of(a_person("u007"), "Staff")

    report = world.run(Order(apply=True, who="u007"))

    assert done(report) == []
    assert FindingKind.NOT_CONFIRMED in kinds(report)


def test_run_about_nobody_is_an_error_of_the_command() -> None:
    """Nothing is written."""
    report = of("ann").run(Order(apply=True, who="nobody"))

    assert report.error is not None
    assert report.error.kind is ErrorKind.NOBODY


# ---------------------------------------------------------------------- people who cannot be helped


def test_blocked_person_makes_the_run_partial() -> None:
    """The others are provisioned."""
    world = World(a_directory(a_person("bad", email=""), a_person("joe")))

    report = world.run()

    assert (report.outcome, done(report)) == (RunOutcome.PARTIAL, [(Action.CREATE, "joe")])
    assert kinds(report) == {FindingKind.SKIPPED}
    assert world.run().outcome is RunOutcome.PARTIAL


def test_failed_change_makes_the_run_partial() -> None:
    """One bad record stops nobody else."""
    world = World(a_directory(a_person("bad"), a_person("joe")))
    world.provider.fails = failing("create bad", error=RejectedError("400"))

    report = world.run()

    assert report.outcome is RunOutcome.PARTIAL
    assert world.provider.active() == {mail("joe")}


def test_rejected_joiner_waits_and_is_missed_in_no_group() -> None:
    """His group does not fail for him, and it is said that he waits."""
    world = with_group(of("ann"))
    world.directory.state = a_directory(a_person("ann"), a_person("bad"))
    world.provider.fails = failing("create bad", error=RejectedError("400"))
    world.run()

    decision = decide(
        world.connection,
        map_directory(world.connection, world.directory.state),
        world.provider.fetch_state(groups=True),
        recall(world.store, "keepnet"),
        patient=True,
    )

    assert decision.plan.changes == ()
    assert {finding.kind for finding in decision.findings} == {FindingKind.ESCROW}
    assert decision.plan.users.unchanged == 2
    assert decision.due == {(Kind.USER, "bad")}


def test_limits_can_be_waived_for_one_run() -> None:
    """By a person who says so; what exceeds them is still reported."""
    world = of("ann", gone=crowd(9))

    report = world.run(Order(apply=True, exceed_limits=True))

    assert report.outcome is RunOutcome.APPLIED
    assert [violation.limit for violation in report.violations] == ["deactivate.percent"]
    assert world.provider.active() == {mail("ann")}


def test_recycled_address_hands_over_nothing() -> None:
    """A new person with the e-mail of somebody who left is a conflict to report."""
    world = of(gone=("ann",))
    world.directory.state = a_directory(a_person("new", email=mail("ann")))

    report = world.run()

    assert done(report) == [(Action.DEACTIVATE, "ann")]
    assert kinds(report) == {FindingKind.CONFLICT}
    assert report.outcome is RunOutcome.PARTIAL


def test_joiner_takes_the_name_that_a_rename_frees() -> None:
    """On a platform that insists on unique names, with many workers."""
    world = of("old")
    world.directory.state = a_directory(
        a_person("old", email="married@example.com"), a_person("new", email=mail("old"))
    )

    report = world.run()

    assert report.outcome is RunOutcome.APPLIED
    assert world.provider.active() == {"married@example.com", mail("old")}


def test_chain_of_renames_goes_through() -> None:
    """From its free end, one after the other."""
    people = crowd(30)
    world = of(*people)
    world.limits = Limits(patch=Limit())
    world.directory.state = a_directory(
        *(a_person(who, email=mail(f"u{n + 1:03}")) for n, who in enumerate(people))
    )

    assert world.run().outcome is RunOutcome.APPLIED
    assert world.provider.users["scim-u000"].user_name == mail("u001")


def test_people_swap_their_names() -> None:
    """On a platform that insists on unique names; also where one lost his access by hand."""
    world = of("ann", "bob", "cid")
    world.limits = Limits(patch=Limit())
    world.provider.users["scim-bob"] = replace(world.provider.users["scim-bob"], active=False)
    world.directory.state = a_directory(
        a_person("ann", email=mail("bob")),
        a_person("bob", email=mail("cid")),
        a_person("cid", email=mail("ann")),
    )

    report = world.run()

    assert report.outcome is RunOutcome.APPLIED
    assert [world.provider.users[f"scim-{who}"].user_name for who in ("ann", "bob", "cid")] == [
        mail("bob"),
        mail("cid"),
        mail("ann"),
    ]
    assert len(report.outcomes) == 3
    assert planned(world.run()) == ()


@pytest.mark.parametrize("at", [1, 2, 3])
def test_ring_of_names_that_is_cut_short_is_finished_by_the_next_run(at: int) -> None:
    """Wherever it was cut: an interim name is an ordinary difference."""
    world = of("ann", "bob")
    world.limits = Limits(patch=Limit())
    world.directory.state = a_directory(
        a_person("ann", email=mail("bob")), a_person("bob", email=mail("ann"))
    )
    patches = iter(range(1, 100))

    def cut(call: str) -> JcsyncError | None:
        late = call.startswith("patch") and next(patches) >= at
        return UnauthorizedError("the token was revoked") if late else None

    world.provider.fails = cut
    assert world.run().error is not None
    world.provider.fails = failing("nothing", error=refused())

    assert world.run().outcome is RunOutcome.APPLIED
    assert world.provider.users["scim-ann"].user_name == mail("bob")
    assert world.provider.users["scim-bob"].user_name == mail("ann")
    assert planned(world.run()) == ()


def test_suspended_and_renamed_person_loses_access_though_the_name_is_taken() -> None:
    """The rename is left out, the deactivation is not."""
    world = of("ann")
    world.provider.users["x"] = a_stranger("x", user_name="taken@example.com")
    world.directory.state = a_directory(
        a_person("ann", email="taken@example.com", state=UserState.SUSPENDED)
    )

    report = world.run()

    assert done(report) == [(Action.PATCH, "ann"), (Action.DEACTIVATE, "ann")]
    assert kinds(report) == {FindingKind.CONFLICT}
    assert mail("ann") not in world.provider.active()


# ---------------------------------------------------------------------- errors


def test_another_run_holds_the_lease() -> None:
    """Nothing is read, written or recorded."""
    world = of("ann")
    world.store.owner = "host:2"

    report = world.run()

    assert report.error is not None
    assert report.error.kind is ErrorKind.LEASE
    assert world.directory.calls == world.provider.calls == world.store.calls == []


def test_organisation_is_remembered_and_its_change_refused() -> None:
    """A key of another customer must not empty this platform."""
    world = of("ann")
    world.run(PLAN)
    assert world.store.founded_in == ""
    world.run()
    assert world.store.founded_in == "org-1"
    world.directory.organization = Organization(id="org-2")

    report = world.run()

    assert report.error is not None
    assert report.error.kind is ErrorKind.SETTINGS
    assert "org-2" in report.error.message


def test_key_that_may_not_see_its_organisation_is_accepted() -> None:
    """There is nothing to compare."""
    world = of("ann")
    world.directory.organization = Organization()

    assert world.run().error is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UnauthorizedError("401"), ErrorKind.REFUSED),
        (LeaseLostError("slept"), ErrorKind.LEASE),
    ],
)
def test_run_that_ends_while_it_writes_is_partial(error: JcsyncError, kind: ErrorKind) -> None:
    """What was applied is applied, and the report says what was not."""
    world = World(a_directory(a_person("ann"), a_person("bob")), workers=1)
    world.provider.fails = failing("create bob", error=error)
    if isinstance(error, LeaseLostError):
        world.provider.fails = failing("nothing", error=error)
        world.store.the_lease.error, world.store.the_lease.after = error, 1

    report = world.run()

    assert report.outcome is RunOutcome.PARTIAL
    assert report.error is not None
    assert report.error.kind is kind
    assert world.provider.active() == {mail("ann")}


def test_stop_signal_ends_the_run_before_the_next_change() -> None:
    """The next run takes up the rest."""
    world = World(a_directory(a_person("ann")))
    world.stop.set()

    report = world.run()

    assert report.error is not None
    assert report.error.kind is ErrorKind.STOPPED
    assert [outcome.status for outcome in report.outcomes] == [Status.NOT_ATTEMPTED]
    world.stop.clear()
    assert world.run().outcome is RunOutcome.APPLIED


def test_nothing_is_written_unrecorded_when_the_store_fails() -> None:
    """A full disk ends the run after the changes under way."""
    world = World(a_directory(*map(a_person, crowd(100))), workers=2)
    world.store.fails = failing("outcome", error=StoreError("disk full"))

    report = world.run()

    assert report.error is not None
    assert report.error.kind is ErrorKind.UNEXPECTED
    assert world.store.owner == ""
    settled = len(world.provider.writes)
    world.store.fails = lambda _call: None
    world.run()
    assert len(world.provider.users) == 100
    assert settled < 100


def test_end_that_cannot_be_recorded_is_an_error() -> None:
    """The run itself stays as it was."""
    world = of("ann")
    world.store.fails = failing("end", error=StoreError("disk full"))

    report = world.run()

    assert report.error is not None
    assert report.error.kind is ErrorKind.UNEXPECTED
    assert world.store.reports == []


def test_end_is_recorded_under_the_lease() -> None:
    """Afterwards another run may have begun."""
    world = of("ann")
    holders: list[str] = []

    def note(call: str) -> None:
        holders.extend([world.store.owner] if call == "end" else [])

    world.store.fails = note
    world.run()
    world.directory.fails = failing("state", error=refused())
    world.run()

    assert holders == ["host:1", "host:1"]


def test_end_that_another_process_overtook_is_not_recorded() -> None:
    """The report tells why: the lease is lost."""
    world = of("ann")
    world.store.fails = failing("end", error=LeaseLostError("another process took it over"))

    report = world.run()

    assert report.error is not None
    assert report.error.kind is ErrorKind.LEASE
    assert world.store.reports == []


def test_unexpected_error_is_recorded_and_goes_on_its_way() -> None:
    """The front door decides what to show of it."""
    world = of("ann")

    def broken(_call: str) -> JcsyncError | None:
        message = "a mistake of ours"
        raise ZeroDivisionError(message)

    world.provider.fails = broken

    with pytest.raises(ZeroDivisionError):
        world.run()
    assert world.store.reports[0].outcome is RunOutcome.FAILED
    assert world.store.owner == ""


def test_settings_that_the_world_contradicts_end_the_run() -> None:
    """A group that does not exist is an error of the settings."""
    world = of("ann")
    world.directory.fails = failing("state", error=SettingsError("unknown group"))

    report = world.run()

    assert report.error is not None
    assert report.error.kind is ErrorKind.SETTINGS


# ---------------------------------------------------------------------- groups


def with_group(world: World, *members: str) -> World:
    """A world with the group Staff on the platform."""
    world.provider.groups["scim-staff"] = a_group("Staff", *members)
    world.store.kept[(Kind.GROUP, "g-staff")] = a_group_link("Staff")
    world.groups = GroupPolicy(enabled=True, on_leave=GroupRemoval.DELETE)
    return world


def test_group_follows_its_people() -> None:
    """The joiner enters, the leaver leaves, and the group is as it should be."""
    world = with_group(of("ann", gone=("lea",)), "ann", "lea")
    world.directory.state = a_directory(a_person("ann"), a_person("joe"))

    report = world.run()

    assert report.outcome is RunOutcome.APPLIED
    assert world.provider.groups["scim-staff"].members == {"scim-ann", "new-1"}
    assert done(world.run()) == []


def test_dispute_about_a_name_ends_no_group() -> None:
    """A second directory group of the same name must not delete the platform's."""
    world = with_group(of("ann"), "ann")
    world.directory.state = a_directory(
        a_person("ann"), groups={"Staff": ["ann"], "STAFF ": ["ann"]}
    )
    world.groups = replace(world.groups, name=lambda _key, name: name.strip())

    report = world.run()

    assert "scim-staff" in world.provider.groups
    assert kinds(report) == {FindingKind.CONFLICT}
    assert done(report) == []


def test_group_that_left_the_scope_is_deleted_where_the_policy_says_so() -> None:
    """Within the limits."""
    world = with_group(of("ann"), "ann")
    world.directory.state = a_directory(a_person("ann"), groups={"Other": ["ann"]})

    world.run()

    assert [group.display_name for group in world.provider.groups.values()] == ["Other"]


def test_groups_are_left_alone_when_they_are_off() -> None:
    """Also those that were managed before."""
    world = with_group(of("ann"), "ann", "lea")
    world.groups = GroupPolicy(enabled=False, on_leave=GroupRemoval.DELETE)

    assert done(world.run()) == []


# ---------------------------------------------------------------------- properties

NAMES = ("ann", "bob", "cid", "Ann")
FREE = Limits(
    deactivate=Limit(),
    delete=Limit(),
    remove_members=Limit(),
    delete_groups=Limit(),
    patch=Limit(),
)


@st.composite
def worlds(draw: st.DrawFn, *, limits: Limits = FREE) -> World:
    """Small worlds in which names collide, people leave and return, and others interfere."""
    people = [
        a_person(
            key,
            email=draw(st.sampled_from(["", *map(mail, NAMES)])),
            jobTitle=draw(st.sampled_from(["", "CEO"])),
            state=draw(st.sampled_from(UserState)),
            account_locked=draw(st.booleans()),
        )
        for key in sorted(draw(st.sets(st.sampled_from("12345"))))
    ]
    ids = [person.id for person in people]
    members = st.sets(st.sampled_from(ids)) if ids else st.just(set())
    state = a_directory(
        *people,
        groups={name: draw(members) for name in ("Staff", "Board")},
        gaps=draw(st.sampled_from([(), (), (), ("a page was short",)])),
    )
    names = draw(st.lists(st.sampled_from(NAMES[:3]), unique=True))
    addresses = st.lists(st.sampled_from([*map(mail, NAMES)]), unique=True, max_size=2)
    accounts = [
        an_account(
            resource_id=f"r{n}",
            external_id=draw(st.sampled_from(["", "1", "2", "6", "of-okta"])),
            user_name=mail(name),
            active=draw(st.booleans()),
            attributes={
                "userName": mail(name),
                WORK: next(iter(mails), ""),
                "title": draw(st.sampled_from(["", "CEO"])),
            },
            emails=tuple(mails),
        )
        for n, name in enumerate(names)
        for mails in [draw(addresses)]
    ]
    linked = draw(st.lists(st.sampled_from("123456"), unique=True, max_size=3))
    resources = draw(st.permutations(["r0", "r1", "r2", "r3"]))
    links: list[Link] = [
        a_link(key, resource_id=resource) for key, resource in zip(linked, resources, strict=False)
    ]
    present = [account.resource_id for account in accounts]
    held = st.frozensets(st.sampled_from(present)) if present else st.just(frozenset())
    groups = [
        replace(
            a_group(name),
            external_id=draw(st.sampled_from(["", f"g-{name.casefold()}"])),
            members=draw(held),
        )
        for name in draw(st.sets(st.sampled_from(["Staff", "Board", "Old"])))
    ]
    links += [a_group_link("Old")] if draw(st.booleans()) else []
    removal = st.sampled_from([Removal.DEACTIVATE, Removal.KEEP])
    return World(
        state,
        provider=FakeProvider(*accounts, groups=sorted(groups, key=str), unique_names=False),
        store=FakeStore.of(*links),
        policy=Policy(
            create=draw(st.booleans()),
            update=draw(st.booleans()),
            adopt=draw(st.booleans()),
            on_leave=draw(removal),
            on_suspend=draw(removal),
            on_locked=draw(removal),
            protect=draw(st.frozensets(st.sampled_from(["1", mail("bob"), "r2"]), max_size=1)),
        ),
        groups=GroupPolicy(
            enabled=draw(st.booleans()),
            create=draw(st.booleans()),
            remove_extra=draw(st.booleans()),
            on_leave=draw(st.sampled_from(GroupRemoval)),
        ),
        limits=limits,
    )


quick = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def planned(report: RunReport) -> tuple[Change, ...]:
    """The changes of a report that has a plan."""
    assert report.plan is not None
    return report.plan.changes


@quick
@given(worlds())
def test_second_run_of_any_world_is_empty(world: World) -> None:
    """A plan applied in full and computed again is empty."""
    first = world.run()
    assert first.error is None
    assert all(outcome.status is Status.APPLIED for outcome in first.outcomes)

    assert planned(world.run()) == ()


@quick
@given(worlds())
def test_plan_says_what_is_done(world: World) -> None:
    """What a platform holds after a run is what its plan makes of it."""
    users, groups = tuple(world.provider.users.values()), tuple(world.provider.groups.values())
    plan = world.run(PLAN).plan
    assert plan is not None
    expected_users, expected_groups = applied(plan, users, groups)

    world.run()

    found = world.provider
    assert {(u.user_name, u.external_id, u.active) for u in found.users.values()} == {
        (u.user_name, u.external_id, u.active) for u in expected_users
    }
    assert {(g.display_name, len(g.members)) for g in found.groups.values()} == {
        (g.display_name, len(g.members)) for g in expected_groups
    }


@quick
@given(worlds())
def test_everybody_is_counted_in_the_plan(world: World) -> None:
    """Each person and each account ends in exactly one place."""
    report = world.run(PLAN)
    plan = report.plan
    assert plan is not None

    changed = {c.external_id for c in plan.changes if c.kind is Kind.USER}
    people = world.state.member_ids()
    links = {link.resource_id: link.external_id for link in world.store.links("")}
    orphans = {
        links[key]
        for key, account in world.provider.users.items()
        if key in links
        and links[key] not in people
        and account.external_id in ("", links[key])
        and account.resource_id not in {c.resource_id for c in plan.changes if c.adopts}
    }
    total = len(changed) + plan.users.unchanged + plan.users.out_of_scope
    assert total == len(people) + len(orphans)


@quick
@given(worlds())
def test_incomplete_read_takes_nothing(world: World) -> None:
    """Whatever else it does."""
    world.directory.state = replace(world.state, gaps=("a page was short",))

    changes = planned(world.run())

    assert not any(c.takes_access or c.remove or c.action is Action.DELETE for c in changes)


@quick
@given(worlds())
def test_nobody_loses_access_against_his_own_record(world: World) -> None:
    """Whom JumpCloud itself calls active and a member keeps his account."""
    everybody = {link.external_id for link in world.store.links("")} | world.state.users.keys()
    world.directory.truth = {who: evidence_of(a_person(who), "Staff") for who in everybody}

    changes = planned(world.run())

    assert not any(change.takes_access for change in changes)


@quick
@given(worlds())
def test_protected_and_foreign_accounts_are_in_no_change(world: World) -> None:
    """Unmanaged ones only when a person in scope adopts them."""
    before = dict(world.provider.users)
    links = {link.resource_id: link.external_id for link in world.store.links("")}
    protect = world.policy.protect

    for change in planned(world.run()):
        if change.kind is Kind.GROUP:
            continue
        assert not {change.external_id, change.resource_id, change.name.casefold()} & protect
        account = before.get(change.resource_id)
        if account is None:
            continue
        assert account.user_name.casefold() not in protect
        assert account.external_id in ("", change.external_id)
        ours = account.external_id == change.external_id or change.resource_id in links
        assert ours or change.external_id in world.state.member_ids()
        if change.resource_id in links:
            assert links[change.resource_id] == change.external_id or account.external_id


@quick
@given(
    worlds(limits=Limits(deactivate=Limit(count=1), patch=Limit(count=1), create=Limit(count=1)))
)
def test_what_is_written_is_within_the_limits(world: World) -> None:
    """All of a plan is held, not only what exceeds it."""
    report = world.run()

    for action in (Action.CREATE, Action.DEACTIVATE):
        written = [c for c in planned(report) if c.action is action and c.kind is Kind.USER]
        assert len(written) <= 1 or report.outcome is RunOutcome.HELD
    if report.outcome is RunOutcome.HELD:
        assert world.provider.writes == []


@quick
@given(worlds(), st.randoms(use_true_random=False))
def test_order_of_the_lists_does_not_matter(world: World, random: object) -> None:
    """Two reads of one world have one plan."""
    first = world.run(PLAN).plan
    for values in (world.provider.users, world.provider.groups, world.store.kept):
        items: list[object] = list(values.items())  # type: ignore[attr-defined]
        random.shuffle(items)  # type: ignore[attr-defined]
        values.clear()  # type: ignore[attr-defined]
        values.update(items)  # type: ignore[attr-defined]

    second = world.run(PLAN).plan

    assert first is not None
    assert second is not None
    assert first.digest == second.digest


@quick
@given(
    worlds(),
    st.sets(st.integers(0, 12)),
    st.sampled_from([TransientError("no answer"), RejectedError("400")]),
)
def test_failures_leave_nothing_behind(
    world: World, unlucky: Mapping[int, int], error: JcsyncError
) -> None:
    """Whatever fails on the way, in the end the same people have the same access."""
    lucky = World(
        world.state,
        provider=FakeProvider(
            *world.provider.users.values(),
            groups=tuple(world.provider.groups.values()),
            unique_names=False,
        ),
        store=FakeStore.of(*world.store.links("")),
        policy=world.policy,
        groups=world.groups,
        limits=FREE,
    )
    lucky.run()
    calls = iter(range(1000))
    world.provider.fails = lambda call: (
        error if not call.startswith(("state", "find")) and next(calls) in unlucky else None
    )
    world.run()
    world.provider.fails = lambda _call: None
    world.store.retry_escrow("keepnet", None, at=FixedClock().now())

    world.run()
    world.run()

    assert sorted(map(_told, world.provider.users.values())) == sorted(
        map(_told, lucky.provider.users.values())
    )


def _told(user: UserResource) -> tuple[str, bool]:
    return user.user_name, user.active


def test_plan_held_by_the_schedule_is_approved_though_something_waits_in_escrow() -> None:
    """Its plan left out what waits; the approval means that plan, not one more change."""
    world = of("bob", gone=("lea", "max"), limits=Limits(deactivate=Limit(count=1)))
    world.state = a_directory(a_person("ann"), a_person("bob"))
    world.directory = FakeDirectory(world.state)
    world.provider.fails = failing("create", error=RejectedError("400 no"))
    scheduled = Order(apply=True, trigger="schedule")
    world.limits = Limits(deactivate=Limit(count=50))
    world.run(Order(apply=True, who="ann"))
    world.limits = Limits(deactivate=Limit(count=1))
    held = world.run(scheduled)
    (hold,) = world.store.holds(open_only=True)

    approved = world.run(Order(apply=True, trigger="approve", digest=hold.digest, approved=hold))

    assert held.outcome is RunOutcome.HELD
    assert approved.error is None
    assert [outcome.status for outcome in approved.outcomes] == [Status.APPLIED, Status.APPLIED]


@pytest.mark.parametrize("ring", [True, False], ids=["ring", "chain"])
def test_a_thousand_people_who_report_to_one_another(ring: bool) -> None:
    """One run gives everybody his account and his manager, in any order; the second has nothing to do."""
    people = [f"p{number:03}" for number in range(1000)]
    managers = dict(zip(people, [*people[1:], people[0] if ring else ""], strict=True))
    world = World(a_directory(*(a_person(who, manager=managers[who]) for who in people)))
    path = f"{ENTERPRISE_USER}:manager.value"
    connection = replace(world.connection, rules=(*RULES, a_rule(path, "manager", reference=True)))

    first = run(connection, APPLY)
    second = run(connection, APPLY)

    ids = {account.external_id: account.resource_id for account in world.provider.users.values()}
    assert (first.outcome, len(ids)) == (RunOutcome.APPLIED, 1000)
    assert {a.external_id: a.attributes.get(path) for a in world.provider.users.values()} == {
        who: ids.get(manager) for who, manager in managers.items()
    }
    assert second.outcome is RunOutcome.IN_SYNC
