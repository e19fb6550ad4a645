"""What happens in the directory: the half that all random histories share."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.promises.history import ADMINS, OTHERS, STAFF, History

MAILBOXES = ("ann", "bob", "cid", "dora")  # few, so that names are often taken over
STATES = ("SUSPENDED", "ACTIVATED", "STAGED", "ACTIVATED")
WHO = st.integers(0, 11)
GROUPS = st.sampled_from([STAFF, ADMINS, OTHERS])


class People(RuleBasedStateMachine):
    """Joiners, movers and leavers, in any order.

    Attributes:
        history: Both sides and the store.
        steps: How many were made since the last run after which all was as it should be.
    """

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.history = History()
        self.steps = 0

    @invariant()
    def step(self) -> None:
        """Count one more."""
        self.steps += 1

    def person(self, who: int) -> str:
        """The id of somebody, ``""`` when nobody is there."""
        people = sorted(self.history.organization.users)
        return people[who % len(people)] if people else ""

    def free_email(self, which: int) -> str:
        """An e-mail that nobody has, perhaps that of somebody who left; ``""`` for none."""
        people = self.history.organization.users.values()
        names = {name.lower() for p in people for name in (p.email, p.username)}
        free = [box for box in MAILBOXES if not {box, f"{box}@example.com"} & names]
        return f"{free[which % len(free)]}@example.com" if free else ""

    @rule(
        which=WHO,
        groups=st.sampled_from([[STAFF], [ADMINS], [OTHERS], [STAFF, ADMINS]]),
        state=st.sampled_from(STATES),
    )
    def join(self, which: int, groups: list[str], state: str = "ACTIVATED") -> None:
        """Somebody joins."""
        if email := self.free_email(which):
            self.history.organization.hire(email, groups=groups, state=state)

    @rule(who=WHO)
    def leave(self, who: int) -> None:
        """Somebody is deleted."""
        if person := self.person(who):
            self.history.organization.delete(person)

    @rule(who=WHO, state=st.sampled_from(STATES))
    def change_state(self, who: int, state: str) -> None:
        """Somebody is suspended, staged or active again."""
        if person := self.person(who):
            self.history.organization.change(person, state=state)

    @rule(who=WHO, group=GROUPS, joins=st.booleans())
    def move(self, who: int, group: str, joins: bool) -> None:
        """Somebody enters or leaves a group."""
        if person := self.person(who):
            state = self.history.organization
            (state.add_member if joins else state.remove_member)(group, person)

    @rule(group=GROUPS)
    def empty_group(self, group: str) -> None:
        """A group loses everybody."""
        state = self.history.organization
        state.remove_member(group, *list(state.group(group).members))

    @rule(who=WHO, which=WHO)
    def rename(self, who: int, which: int) -> None:
        """Somebody gets another name."""
        person, email = self.person(who), self.free_email(which)
        if person and email:
            self.history.organization.rename(person, email)

    @rule(one=WHO, other=WHO)
    def swap(self, one: int, other: int) -> None:
        """Two people swap their names."""
        state = self.history.organization
        first, second = self.person(one), self.person(other)
        if first != second:
            mails = state.users[first].email, state.users[second].email
            state.rename(first, "between@example.com")
            state.rename(second, mails[0])
            state.rename(first, mails[1])

    @rule(who=WHO, department=st.sampled_from(["Sales", "IT", ""]))
    def change_department(self, who: int, department: str) -> None:
        """Somebody moves to another department."""
        if person := self.person(who):
            self.history.organization.change(person, department=department)
