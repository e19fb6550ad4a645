"""Random histories of the directory with fast runs: after each, all is as after a full one."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from jcsync.pipeline import Order
from tests.conftest import HISTORIES
from tests.promises.history import ADMINS, STAFF
from tests.promises.people import WHO, People

FAST = Order(apply=True, fast=True)


class FastHistories(People):
    """Joiners, movers and leavers, runs about one person and kills; nobody edits the platform."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.hired = 0

    def free_email(self, which: int) -> str:
        """One that nobody ever had."""
        del which
        self.hired += 1
        return f"p{self.hired}@example.com"

    def teardown(self) -> None:
        """A full run finds nothing that a fast one has left."""
        self.run_fast()

    @initialize(people=st.integers(1, 5), log=st.booleans())
    def begin(self, people: int, log: bool) -> None:
        """Some are there already, and provisioned; the event log can be read or not."""
        self.history.organization.events.enabled = log
        for _ in range(people):
            self.join(0, [STAFF])
        self.history.quiet_run()

    @rule()
    def run_fast(self) -> None:
        """After it all is as it should be."""
        self.history.quiet_run(FAST)
        self.history.check_idle(Order(apply=False))

    @rule(who=WHO)
    def run_about(self, who: int) -> None:
        """A run about one person changes what the next fast run finds."""
        if person := self.person(who):
            self.history.checked_run(order=Order(apply=True, who=person))

    @rule(who=WHO, group=st.sampled_from([STAFF, ADMINS]), joins=st.booleans())
    def change_for_one_run(self, who: int, group: str, joins: bool) -> None:
        """Somebody enters or leaves a group, a run about him sees it, and it is undone."""
        self.move(who, group, joins)
        self.run_about(who)
        self.move(who, group, not joins)

    @rule(at=st.integers(1, 30), fast=st.booleans())
    def run_and_die(self, at: int, fast: bool) -> None:
        """A run is killed at some instant."""
        self.history.checked_run(die_at=at, order=Order(apply=True, fast=fast))


@pytest.mark.usefixtures("silent_log")
def test_fast_histories() -> None:
    """Each in the sides and the store of its own."""
    run_state_machine_as_test(FastHistories, settings=HISTORIES)
