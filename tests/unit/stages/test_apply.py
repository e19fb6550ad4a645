"""A plan is carried out in order, and one failure stops nobody else."""

import gc
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace

import pytest

from jcsync.errors import (
    ConflictError,
    JcsyncError,
    LeaseLostError,
    RejectedError,
    StoppedError,
    TransientError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from jcsync.model.plan import Action, AttributeChange, Change, Plan
from jcsync.model.report import Outcome, Status, Written
from jcsync.stages.apply import apply_plan
from tests.factories import (
    a_change,
    a_group,
    a_group_change,
    a_member,
    a_plan,
    an_account,
    an_attribute,
    mail,
)
from tests.fakes import FakeLease, FakeProvider, failing

LEASE = FakeLease()


def run(
    plan: Plan,
    provider: FakeProvider,
    *,
    workers: int = 1,
    check: Callable[[], None] = LEASE.check,
) -> tuple[list[Outcome], JcsyncError | None]:
    """Carry a plan out: outcomes in order of the plan, and why the rest was not attempted."""
    outcomes: list[Outcome] = []
    iterator = apply_plan(plan, provider, workers=workers, check=check)
    try:
        for ended in iterator:
            outcomes += ended
    except JcsyncError as error:
        return sorted(outcomes, key=lambda outcome: outcome.n), error
    return sorted(outcomes, key=lambda outcome: outcome.n), None


def statuses(outcomes: list[Outcome]) -> list[Status]:
    """How the changes ended."""
    return [outcome.status for outcome in outcomes]


# ---------------------------------------------------------------------- people


def test_large_plan_is_handed_out_piece_by_piece() -> None:
    """What waits for a worker takes more memory than the change itself, of 100,000 a quarter GB."""
    plan = a_plan(*(a_change(Action.CREATE, f"p{n}", step=1) for n in range(3000)))
    applying = apply_plan(plan, FakeProvider(), workers=2, check=LEASE.check)

    ended = [*next(applying)]
    waiting = sum(isinstance(found, Future) for found in gc.get_objects())
    ended += [outcome for outcomes in applying for outcome in outcomes]

    assert waiting < 2500
    assert sorted(outcome.n for outcome in ended) == list(range(1, 3001))


def test_every_action_reaches_the_platform() -> None:
    """Each by its own call, and the platform is then as planned."""
    provider = FakeProvider(
        an_account("mia"), an_account("ret", active=False), an_account("lea"), an_account("del")
    )
    plan = a_plan(
        a_change(Action.CREATE, "joe", step=1),
        a_change(Action.REACTIVATE, "ret", step=1),
        a_change(Action.PATCH, "mia", step=2),
        a_change(Action.DEACTIVATE, "lea", step=3),
        a_change(Action.DELETE, "del", step=4),
    )

    outcomes, error = run(plan, provider, workers=4)

    assert error is None
    assert statuses(outcomes) == [Status.APPLIED] * 5
    assert provider.active() == {mail("joe"), mail("ret"), mail("mia")}
    assert provider.users["scim-mia"].attributes["title"] == "CEO"
    assert "scim-del" not in provider.users
    assert [outcome.resource_id for outcome in outcomes] == [
        "new-1",
        "scim-ret",
        "scim-mia",
        "scim-lea",
        "",
    ]


def test_step_begins_after_the_last_change_of_the_one_before() -> None:
    """However many workers there are."""
    provider = FakeProvider(*(an_account(f"u{n}") for n in range(9)))
    plan = a_plan(*(a_change(who=f"u{n}", step=n // 3) for n in range(9)))

    run(plan, provider, workers=8)

    order = [int(call.removeprefix("patch scim-u")) // 3 for call in provider.writes]
    assert order == sorted(order)


def test_one_bad_change_stops_nobody_else() -> None:
    """It is named with what the platform said."""
    provider = FakeProvider(an_account("ann"), an_account("bob"))
    provider.fails = failing(
        "patch scim-ann", error=RejectedError("400: no such title", status=400)
    )

    outcomes, error = run(a_plan(a_change(who="ann"), a_change(who="bob")), provider)

    assert error is None
    assert statuses(outcomes) == [Status.FAILED, Status.APPLIED]
    assert (outcomes[0].error, outcomes[0].resource_id) == ("400: no such title", "")


def test_taken_name_is_a_failure_of_one_person() -> None:
    """The platform has the last word on names."""
    provider = FakeProvider(an_account("old", user_name=mail("joe")))

    outcomes, _ = run(a_plan(a_change(Action.CREATE, "joe"), a_change(who="old")), provider)

    assert statuses(outcomes) == [Status.FAILED, Status.APPLIED]


def test_attempts_count_the_repetitions() -> None:
    """A change that took three requests says so."""

    class Stubborn(FakeProvider):
        def patch_user(self, resource_id: str, attributes: object) -> Written:
            self.repeats += 2
            return super().patch_user(resource_id, attributes)  # type: ignore[arg-type]

    outcomes, _ = run(a_plan(a_change()), Stubborn(an_account()))

    assert [outcome.attempts for outcome in outcomes] == [3]


# ---------------------------------------------------------------------- reading back


class Liar(FakeProvider):
    """A platform that answers that all is well and changes nothing."""

    def patch_user(self, resource_id: str, attributes: object) -> Written:
        """Take it and keep nothing."""
        del attributes
        self._call(f"patch {resource_id}")
        return Written(resource_id=resource_id)


def test_deactivation_is_not_believed_by_its_status() -> None:
    """Whose access was taken must not have it any more."""
    outcomes, _ = run(a_plan(a_change(Action.DEACTIVATE)), Liar(an_account()))

    assert outcomes[0].status is Status.FAILED
    assert outcomes[0].error.endswith("the account is still active")


def test_account_that_vanished_after_its_deactivation_has_no_access() -> None:
    """Somebody deleted it at the same time."""

    class Vanishing(FakeProvider):
        def fetch_user(self, resource_id: str) -> None:
            del resource_id

    outcomes, _ = run(a_plan(a_change(Action.DEACTIVATE)), Vanishing(an_account()))

    assert statuses(outcomes) == [Status.APPLIED]


def test_suspect_value_is_read_back() -> None:
    """What did not stick is told with what the platform has instead."""
    provider = Liar(an_account(title="CEO"))
    plan = a_plan(a_change(attributes=(an_attribute("title", "CEO", "CEO "),)))

    ((outcome,),) = apply_plan(
        plan, provider, workers=1, check=LEASE.check, suspects={"ann": {"title"}}
    )

    assert outcome.status is Status.APPLIED
    assert outcome.unkept == (an_attribute("title", "CEO", "CEO "),)


def test_nothing_is_read_back_without_need() -> None:
    """It would double the requests."""
    provider = FakeProvider(an_account())

    run(a_plan(a_change()), provider)

    assert provider.calls == ["patch scim-ann"]


@pytest.mark.parametrize(
    ("error", "rejected"),
    [
        (RejectedError("400"), True),
        (ConflictError("409"), True),
        (TransientError("no answer"), False),
        (UnauthorizedError("401"), False),
    ],
)
def test_rejection_is_told_from_failure_in_passing(error: JcsyncError, rejected: bool) -> None:
    """The one waits, the other is tried again by the next run."""
    provider = FakeProvider(an_account())
    provider.fails = failing("patch", error=error)

    outcomes, _ = run(a_plan(a_change()), provider)

    assert outcomes[0].rejected is rejected


# ---------------------------------------------------------------------- stopping


@pytest.mark.parametrize("stop", [StoppedError("stopped"), LeaseLostError("lost the lease")])
def test_nothing_more_is_written_after_a_stop(stop: JcsyncError) -> None:
    """What was not attempted is not called failed."""
    provider = FakeProvider(*(an_account(f"u{n}") for n in range(4)))
    plan = a_plan(*(a_change(who=f"u{n}", step=n) for n in range(4)))

    outcomes, error = run(plan, provider, check=FakeLease(error=stop, after=2).check)

    assert error is stop
    assert statuses(outcomes) == [Status.APPLIED] * 2 + [Status.NOT_ATTEMPTED] * 2
    assert len(provider.writes) == 2
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 0, 0]


def test_refused_credentials_stop_the_rest() -> None:
    """No other call could succeed."""
    provider = FakeProvider(an_account("ann"), an_account("bob"))
    provider.fails = failing("patch scim-ann", error=UnauthorizedError("401", status=401))

    outcomes, error = run(a_plan(a_change(who="ann"), a_change(who="bob", step=200)), provider)

    assert isinstance(error, UnauthorizedError)
    assert statuses(outcomes) == [Status.FAILED, Status.NOT_ATTEMPTED]


def test_platform_that_no_longer_answers_stops_the_rest() -> None:
    """After as many failures in a row as there are workers, and two."""
    provider = FakeProvider()
    provider.fails = failing("patch", error=TransientError("no answer"))
    plan = a_plan(*(a_change(who=f"u{n}", step=n) for n in range(9)))

    outcomes, error = run(plan, provider)

    assert isinstance(error, TransientError)
    assert statuses(outcomes) == [Status.FAILED] * 3 + [Status.NOT_ATTEMPTED] * 6


@pytest.mark.parametrize("between", ["applied", "rejected"])
def test_failures_that_are_not_in_a_row_stop_nothing(between: str) -> None:
    """Any answer shows that the platform is there."""
    provider = FakeProvider(an_account("ok"))
    provider.fails = failing("patch scim-no", error=TransientError("no answer"))
    other = "ok" if between == "applied" else "gone"
    people = ["no1", "no2", other, "no3", "no4", other, "no5"]
    plan = a_plan(*(a_change(who=who, step=n) for n, who in enumerate(people)))

    _, error = run(plan, provider)

    assert error is None


def test_caller_who_gives_up_stops_the_rest_at_once() -> None:
    """When the store cannot take an outcome any more, nothing else is changed unrecorded."""
    provider = FakeProvider(*(an_account(f"u{n}") for n in range(50)))
    plan = a_plan(*(a_change(who=f"u{n}") for n in range(50)))
    first, go_on = threading.Event(), threading.Event()

    def check() -> None:
        if first.is_set():
            go_on.wait(5)
        first.set()

    application = apply_plan(plan, provider, workers=1, check=check)
    next(application)
    threading.Timer(0.05, go_on.set).start()
    application.close()

    assert len(provider.writes) <= 2


# ---------------------------------------------------------------------- groups


def test_group_gets_the_members_that_the_same_plan_created() -> None:
    """Their ids are known by then."""
    provider = FakeProvider(an_account("ann"))
    plan = a_plan(
        a_change(Action.CREATE, "joe", step=1),
        a_group_change(
            Action.CREATE, step=2, add=(a_member("ann"), a_member("joe", resource_id=""))
        ),
    )

    outcomes, _ = run(plan, provider)

    assert statuses(outcomes) == [Status.APPLIED] * 2
    assert provider.groups["new-2"].members == {"scim-ann", "new-1"}


def test_group_is_renamed_and_its_members_change() -> None:
    """In one change of two calls."""
    provider = FakeProvider(groups=[a_group("Staff", "bob")])
    change = a_group_change(
        attributes=(an_attribute("displayName", "Staff", "Crew"),),
        add=(a_member("ann"),),
        remove=(a_member("bob"),),
    )

    run(a_plan(change), provider)

    (group,) = provider.groups.values()
    assert (group.display_name, group.members) == ("Crew", {"scim-ann"})


def test_group_without_members_needs_one_call() -> None:
    """Nothing is sent for nobody."""
    provider = FakeProvider(groups=[a_group("Old")])

    run(a_plan(a_group_change(Action.CREATE), a_group_change(Action.DELETE, "Old")), provider)

    assert provider.writes == ["create-group g-staff", "delete-group scim-old"]


def test_member_whose_account_failed_is_named() -> None:
    """The others enter, and the change says that it is not complete."""
    provider = FakeProvider(an_account("ann"), groups=[a_group()])
    provider.fails = failing("create", error=ConflictError("409"))
    absent = [a_member(f"u{n}", resource_id="") for n in range(6)]
    plan = a_plan(
        *(a_change(Action.CREATE, f"u{n}", step=1) for n in range(6)),
        a_group_change(step=2, add=(a_member("ann"), *absent)),
    )

    outcomes, _ = run(plan, provider)

    assert outcomes[-1].status is Status.FAILED
    assert outcomes[-1].error.startswith("6 of 7 new members have no account: u0@example.com,")
    assert outcomes[-1].error.endswith(", …")
    assert outcomes[-1].resource_id == "scim-staff"
    assert provider.groups["scim-staff"].members == {"scim-ann"}


def test_created_group_whose_members_fail_is_known_to_exist() -> None:
    """So that the next run does not create it again."""
    provider = FakeProvider(an_account("ann"))
    provider.fails = failing("members", error=RejectedError("413"))

    outcomes, error = run(a_plan(a_group_change(Action.CREATE, add=(a_member("ann"),))), provider)

    assert error is None
    assert outcomes[0].status is Status.FAILED
    assert outcomes[0].error == "the group exists, its members failed: 413"
    assert outcomes[0].resource_id == "new-1"


@pytest.mark.parametrize(
    ("action", "error"),
    [(Action.PATCH, RejectedError("413")), (Action.CREATE, UnauthorizedError("401"))],
)
def test_members_that_fail_are_a_failure_of_the_change(
    action: Action, error: RejectedError
) -> None:
    """Refused credentials stop the rest, also in the middle of a group."""
    provider = FakeProvider(an_account("ann"), groups=[a_group()])
    provider.fails = failing("members", error=error)

    outcomes, stop = run(a_plan(a_group_change(action, add=(a_member("ann"),))), provider)

    assert (outcomes[0].status, outcomes[0].error) == (Status.FAILED, str(error))
    assert (stop is error) is isinstance(error, UnauthorizedError)


# ---------------------------------------------------------------------- references


def a_reference(who: str, target: str, resource_id: str = "", **fields: object) -> Change:
    """The second pass of somebody: his manager is created by the same plan."""
    manager = AttributeChange(path="manager.value", before=None, after=target, target=target)
    return a_change(
        Action.PATCH, who, resource_id=resource_id, attributes=(manager,), step=9, **fields
    )


def test_second_pass_sends_the_ids_of_new_accounts() -> None:
    """Both of the account that refers and of the one that is meant."""
    provider = FakeProvider(an_account("ann"))
    plan = a_plan(
        a_change(Action.CREATE, "joe", step=1),
        a_change(Action.CREATE, "mgr", step=1),
        a_reference("ann", "mgr", "scim-ann"),
        a_reference("joe", "mgr"),
    )

    outcomes, error = run(plan, provider)

    assert (error, statuses(outcomes)) == (None, [Status.APPLIED] * 4)
    ids = {user.external_id: key for key, user in provider.users.items()}
    assert [o.resource_id for o in outcomes[2:]] == ["scim-ann", ids["joe"]]
    for who in ("ann", "joe"):
        assert provider.users[ids[who]].attributes["manager.value"] == ids["mgr"]


def test_second_pass_fails_alone_where_an_account_could_not_be_created() -> None:
    """The reason names which of the two it is; no call is made."""
    provider = FakeProvider()
    provider.fails = failing("create mgr", error=RejectedError("no", status=400))
    plan = a_plan(
        a_change(Action.CREATE, "joe", step=1),
        a_change(Action.CREATE, "mgr", step=1),
        a_reference("joe", "mgr"),
        a_reference("mgr", "joe"),
    )

    outcomes, error = run(plan, provider)

    assert error is None
    assert statuses(outcomes) == [Status.APPLIED, *[Status.FAILED] * 3]
    assert outcomes[2].error == "manager.value: the account of mgr was not created"
    assert outcomes[3].error == "the account was not created, so it refers to nobody"
    assert provider.writes == ["create joe", "create mgr"]


# ---------------------------------------------------------------------- hidden accounts


class Hiding(FakeProvider):
    """A platform that refuses to make an account anew that it does not list."""

    def create_user(self, external_id: str, attributes: object) -> Written:
        """Refuse."""
        del attributes
        self._call(f"create {external_id}")
        message = "the userName is taken"
        raise ConflictError(message, status=409)


@pytest.mark.parametrize(
    ("linked", "external_id", "revived"),
    [("a1", "joe", True), ("a1", "other", False), ("gone", "joe", False), ("", "joe", False)],
)
def test_hidden_account_of_the_same_person_is_given_back(
    linked: str, external_id: str, *, revived: bool
) -> None:
    """By its link, and only when it is his."""
    old = replace(an_account("joe"), resource_id="a1", external_id=external_id, active=False)
    provider = Hiding(old)
    (outcomes,) = list(
        apply_plan(
            a_plan(a_change(Action.CREATE, "joe")),
            provider,
            workers=1,
            check=lambda: None,
            linked={"joe": linked} if linked else {},
        )
    )
    assert provider.users["a1"].active is revived
    assert (statuses(outcomes) == [Status.APPLIED]) is revived
    assert outcomes[0].resource_id == ("a1" if revived else "")


class Telling(FakeProvider):
    """A platform that shows what it made of a patch, and keeps none of it."""

    def patch_user(self, resource_id: str, attributes: Sequence[AttributeChange]) -> Written:
        """Keep nothing, and say so."""
        self._call(f"patch {resource_id}")
        return Written(resource_id=resource_id, unkept=tuple(attributes), seen=True)


@pytest.mark.parametrize(
    ("action", "words"),
    [(Action.DEACTIVATE, "still active"), (Action.REACTIVATE, "still not active")],
)
def test_access_that_was_not_changed_is_a_failure(action: Action, words: str) -> None:
    """Without reading the account once more."""
    provider = Telling(an_account())
    outcomes, _ = run(a_plan(a_change(action)), provider)
    assert statuses(outcomes) == [Status.FAILED]
    assert outcomes[0].error.endswith(words)
    assert not [call for call in provider.calls if call.startswith("fetch")]


def test_other_attributes_that_are_not_kept_are_remembered() -> None:
    """At once: every way of sending them was tried."""
    outcomes, _ = run(a_plan(a_change()), Telling(an_account()))
    assert statuses(outcomes) == [Status.APPLIED]
    assert outcomes[0].unkept


# ---------------------------------------------------------------------- rings of names


def a_swap(**fields: object) -> Plan:
    """Ann and bob swap their names; ann steps aside."""
    return a_plan(
        a_change(
            Action.PATCH,
            "bob",
            step=200,
            attributes=(an_attribute("userName", mail("bob"), mail("ann")),),
        ),
        a_change(
            Action.PATCH,
            "ann",
            step=201,
            attributes=(an_attribute("userName", mail("ann"), mail("bob")),),
            interim="ann+1@example.com",
            **fields,
        ),
    )


def test_names_go_round_by_way_of_an_interim_one() -> None:
    """On a platform that insists on unique names."""
    provider = FakeProvider(an_account("ann"), an_account("bob"))

    outcomes, error = run(a_swap(), provider, workers=4)

    assert (statuses(outcomes), error) == ([Status.APPLIED] * 2, None)
    assert provider.users["scim-ann"].user_name == mail("bob")
    assert provider.users["scim-bob"].user_name == mail("ann")
    assert provider.writes == ["patch scim-ann", "patch scim-bob", "patch scim-ann"]


def test_who_stepped_aside_in_vain_gets_his_name_back() -> None:
    """The other one of the ring is refused."""
    provider = FakeProvider(an_account("ann"), an_account("bob"))
    provider.fails = failing("patch scim-bob", error=RejectedError("no"))

    outcomes, _ = run(a_swap(), provider)

    assert statuses(outcomes) == [Status.FAILED] * 2
    assert outcomes[1].error.endswith("could not go round: it is 'ann@example.com' again")
    assert provider.active() == {mail("ann"), mail("bob")}


def test_interim_name_that_is_refused_costs_nobody_his_own() -> None:
    """The ring stays as it was, and both say so."""

    class Strict(FakeProvider):
        def patch_user(self, resource_id: str, attributes: Sequence[AttributeChange]) -> Written:
            """Take no name with a plus."""
            if any("+" in str(a.after) for a in attributes):
                message = "not a name"
                raise RejectedError(message)
            return super().patch_user(resource_id, attributes)

    provider = Strict(an_account("ann"), an_account("bob"))

    outcomes, _ = run(a_swap(), provider)

    assert statuses(outcomes) == [Status.FAILED] * 2
    assert provider.active() == {mail("ann"), mail("bob")}


def test_interim_name_that_cannot_be_left_is_told() -> None:
    """A later run finds it and goes on from there."""
    provider = FakeProvider(an_account("ann"), an_account("bob"))
    calls = iter([None, None, TransientError("gone"), TransientError("still gone")])
    provider.fails = lambda _call: next(calls)

    outcomes, _ = run(a_swap(), provider)

    assert statuses(outcomes) == [Status.APPLIED, Status.FAILED]
    assert "it may be 'ann+1@example.com' until a later run: still gone" in outcomes[1].error


def test_nobody_steps_aside_after_a_stop() -> None:
    """The ring waits for the next run."""

    def check() -> None:
        message = "stopped"
        raise StoppedError(message)

    provider = FakeProvider(an_account("ann"), an_account("bob"))

    outcomes, _ = run(a_swap(), provider, check=check)

    assert statuses(outcomes) == [Status.NOT_ATTEMPTED] * 2
    assert provider.writes == []


def test_nobody_steps_aside_after_the_credentials_were_refused() -> None:
    """An earlier step has ended the run."""
    provider = FakeProvider(an_account("ann"), an_account("bob"))
    provider.fails = failing("create", error=UnauthorizedError("401", status=401))
    plan = a_plan(a_change(Action.CREATE, "joe"), *a_swap().changes)

    _, error = run(plan, provider)

    assert error is not None
    assert provider.writes == ["create joe"]


# ---------------------------------------------------------------------- several at once


def test_accounts_are_written_together_where_the_platform_takes_that() -> None:
    """Creates and patches of one step, in parts; everything else by itself."""
    provider = FakeProvider(an_account("mia"), an_account("lea"))
    provider.bulk = 2
    plan = a_plan(
        *(a_change(Action.CREATE, who, step=1) for who in ("ann", "bob", "cid")),
        a_change(Action.PATCH, "mia", step=2),
        a_change(Action.DEACTIVATE, "lea", step=3),
    )

    outcomes, error = run(plan, provider, workers=4)

    assert error is None
    assert statuses(outcomes) == [Status.APPLIED] * 5
    assert {o.resource_id for o in outcomes} <= provider.users.keys()
    assert provider.active() == {mail(who) for who in ("ann", "bob", "cid", "mia")}
    assert [call for call in provider.calls if call.startswith("bulk")] == ["bulk 2"]


def test_what_was_not_made_together_is_made_by_itself() -> None:
    """So that its error is what it always is, and the others have their accounts."""
    provider = FakeProvider(an_account("bob", external_id="other"))
    provider.bulk = 100
    plan = a_plan(*(a_change(Action.CREATE, who, step=1) for who in ("ann", "bob", "cid")))

    outcomes, error = run(plan, provider, workers=2)

    assert error is None
    assert statuses(outcomes) == [Status.APPLIED, Status.FAILED, Status.APPLIED]
    assert "bob" in (outcomes[1].error or "")


def test_account_of_unknown_fate_fails_and_is_not_repeated() -> None:
    """The next run looks for it."""
    provider = FakeProvider()
    provider.bulk = 100
    provider.fails = failing("create bob", error=UnknownOutcomeError("lost"))
    plan = a_plan(*(a_change(Action.CREATE, who, step=1) for who in ("ann", "bob")))

    outcomes, _ = run(plan, provider)

    assert statuses(outcomes) == [Status.APPLIED, Status.FAILED]
    assert [call for call in provider.calls if call.startswith("create")] == [
        "create ann",
        "create bob",
    ]


@pytest.mark.parametrize("error", [LeaseLostError("gone"), StoppedError("stop")])
def test_nothing_is_written_together_after_a_stop(error: JcsyncError) -> None:
    """The lease and the signal are asked before each request, however many it is for."""
    provider = FakeProvider()
    provider.bulk = 2
    checks = iter([None, error])

    def check() -> None:
        if (stop := next(checks, error)) is not None:
            raise stop

    plan = a_plan(*(a_change(Action.CREATE, f"u{n}", step=1) for n in range(6)))

    outcomes, raised = run(plan, provider, check=check)

    assert raised is error
    assert statuses(outcomes) == [Status.APPLIED] * 2 + [Status.NOT_ATTEMPTED] * 4
    assert len(provider.users) == 2


def test_refused_token_stops_what_is_written_together() -> None:
    """Nothing can succeed any more."""
    provider = FakeProvider()
    provider.bulk = 2
    provider.fails = failing("bulk", error=UnauthorizedError("401"))
    plan = a_plan(*(a_change(Action.CREATE, f"u{n}", step=1) for n in range(6)))

    outcomes, raised = run(plan, provider)

    assert isinstance(raised, UnauthorizedError)
    assert statuses(outcomes) == [Status.NOT_ATTEMPTED] * 6
