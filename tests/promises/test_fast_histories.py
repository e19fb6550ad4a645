"""Random histories of the directory with fast runs: after each, all is as after a full one."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from jcsync.pipeline import Order
from tests.conftest import HISTORIES
from tests.promises.history import ADMINS, OTHERS, STAFF, History

FAST = Order(apply=True, fast=True)
WHO = st.integers(0, 11)


@pytest.fixture(autouse=True)
def _silent_log() -> Iterator[None]:
    """Log nothing."""
    structlog.configure(processors=[_drop], cache_logger_on_first_use=False)
    yield
    structlog.reset_defaults()


def _drop(_logger: object, _method: str, _event: object) -> object:
    raise structlog.DropEvent


class FastHistories(RuleBasedStateMachine):
    """Joiners, movers and leavers, runs about one person and kills; nobody edits the platform."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.history = History()
        self.hired = 0

    def teardown(self) -> None:
        """A full run finds nothing that a fast one has left."""
        self.run_fast()

    @initialize(people=st.integers(1, 5), log=st.booleans())
    def begin(self, people: int, log: bool) -> None:
        """Some are there already, and provisioned; the event log can be read or not."""
        self.history.organization.events.enabled = log
        for _ in range(people):
            self.join(STAFF)
        self.history.quiet_run()

    def _email(self) -> str:
        self.hired += 1
        return f"p{self.hired}@example.com"

    def _person(self, who: int) -> str:
        people = sorted(self.history.organization.users)
        return people[who % len(people)] if people else ""

    @rule(group=st.sampled_from([STAFF, ADMINS, OTHERS]))
    def join(self, group: str) -> None:
        """Somebody joins."""
        if len(self.history.organization.users) < 8:
            self.history.organization.hire(self._email(), groups=[group])

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        """Somebody is deleted."""
        if person := self._person(who):
            self.history.organization.delete(person)

    @rule(who=WHO, state=st.sampled_from(["SUSPENDED", "ACTIVATED"]))
    def change_state(self, who: int, state: str) -> None:
        """Somebody is suspended, or active again."""
        if person := self._person(who):
            self.history.organization.change(person, state=state)

    @rule(who=WHO, group=st.sampled_from([STAFF, ADMINS, OTHERS]), joins=st.booleans())
    def move(self, who: int, group: str, joins: bool) -> None:
        """Somebody enters or leaves a group."""
        if person := self._person(who):
            state = self.history.organization
            (state.add_member if joins else state.remove_member)(group, person)

    @rule(who=WHO)
    def rename(self, who: int) -> None:
        """Somebody gets another name."""
        if person := self._person(who):
            self.history.organization.rename(person, self._email())

    @rule(one=WHO, other=WHO)
    def swap(self, one: int, other: int) -> None:
        """Two people swap their names."""
        state = self.history.organization
        first, second = self._person(one), self._person(other)
        if first and first != second:
            mails = state.users[first].email, state.users[second].email
            state.rename(first, self._email())
            state.rename(second, mails[0])
            state.rename(first, mails[1])

    @rule()
    def run_fast(self) -> None:
        """After it all is as it should be."""
        self.history.quiet_run(FAST)
        self.history.check_idle(Order(apply=False))

    @rule(who=WHO)
    def run_about(self, who: int) -> None:
        """A run about one person changes what the next fast run finds."""
        if person := self._person(who):
            self.history.checked_run(order=Order(apply=True, who=person))

    @rule(who=WHO, group=st.sampled_from([STAFF, ADMINS]), joins=st.booleans())
    def change_for_one_run(self, who: int, group: str, joins: bool) -> None:
        """Somebody enters or leaves a group, a run about him sees it, and it is undone."""
        self.move(who, group, joins)
        self.run_about(who)
        self.move(who, group, not joins)

    @rule(at=st.integers(4, 60), fast=st.booleans())
    def run_and_die(self, at: int, fast: bool) -> None:
        """A run is killed at some instant."""
        self.history.checked_run(die_at=at, order=Order(apply=True, fast=fast))


def test_fast_histories() -> None:
    """Each in the sides and the store of its own."""
    run_state_machine_as_test(FastHistories, settings=HISTORIES)
