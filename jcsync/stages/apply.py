"""Plan → calls, one outcome per change.

Changes of one step are made at once, those of the next step after the last of them: access is
given before it is taken, and a group gets its members after they exist. A change that fails
stops nobody else; refused credentials, a lost lease, a stop signal and a platform that no
longer answers stop everything that has not begun.
"""

import threading
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from itertools import groupby
from queue import SimpleQueue

from jcsync.errors import (
    ConflictError,
    JcsyncError,
    LeaseLostError,
    RejectedError,
    RemoteError,
    StoppedError,
    TransientError,
    UnauthorizedError,
)
from jcsync.model.equality import is_equal
from jcsync.model.plan import Action, AttributeChange, Change, Member, Plan
from jcsync.model.report import Outcome, Status, Written
from jcsync.model.resource import Kind, UserResource, Value
from jcsync.ports import ServiceProvider
from jcsync.stages.diff import STEP_PATCH
from jcsync.stages.settle import unkept as find_unkept
from jcsync.threads import Pool

_SHOWN = 5
_MANY = 100
_AHEAD = 2000
"""Changes that are given to the workers before one has ended: each takes 2 kB until then."""
_GATHER_S = 0.05
"""What comes within so long is recorded by one transaction, while more than a few are pending."""

Part = list[tuple[int, Change]]
"""Changes, each with its number, that are sent together where the platform takes that."""


def apply_plan(
    plan: Plan,
    provider: ServiceProvider,
    *,
    workers: int,
    check: Callable[[], None],
    suspects: Mapping[str, Collection[str]] | None = None,
    linked: Mapping[str, str] | None = None,
) -> Generator[list[Outcome]]:
    """Make every change of a plan, in order.

    Args:
        plan: Complete, and within its limits or approved.
        provider: The platform.
        workers: Changes made at once.
        check: Called before each change; raises ``StoppedError`` or ``LeaseLostError`` when
            nothing more may be written.
        suspects: Paths by JumpCloud id that are read back after they were written.
        linked: The account that each person had when last seen, by JumpCloud id.

    Yields:
        Outcomes, one for each change: those that have come since the last ones were taken, in any
        order within a step. Once closed, it waits for the changes under way and begins no other.

    Raises:
        JcsyncError: After the last outcome: why the rest was not attempted.
    """
    application = _Application(provider, check, suspects or {}, linked or {}, patience=workers + 2)
    numbered = list(enumerate(plan.changes, start=1))
    with Pool(workers, thread_name_prefix="apply") as pool:
        try:
            rings = [change for change in plan.changes if change.interim]
            for number, step in groupby(numbered, key=lambda item: item[1].step):
                if number >= STEP_PATCH and rings:
                    list(pool.map(application.step_aside, rings))
                    rings = []
                ended: SimpleQueue[Future[list[Outcome]]] = SimpleQueue()

                def begin(part: Part, ended: SimpleQueue[Future[list[Outcome]]] = ended) -> None:
                    pool.submit(application.attempt_all, part, begin).add_done_callback(ended.put)

                due = list(step)
                parts, pending, under_way = iter(_parts(due, provider)), len(due), 0
                while pending:
                    while under_way < _AHEAD and (part := next(parts, None)):
                        begin(part)
                        under_way += len(part)
                    futures = _take(ended, application.halt if pending > _MANY else None)
                    outcomes = [outcome for future in futures for outcome in future.result()]
                    pending -= len(outcomes)
                    under_way -= len(outcomes)
                    if outcomes:
                        yield outcomes
        except BaseException:
            # Nobody takes the outcomes any more: what has not begun must not be done unrecorded.
            application.stop(StoppedError("outcomes could not be recorded any more"))
            raise
    if application.error is not None:
        raise application.error


def _parts(step: Part, provider: ServiceProvider) -> list[Part]:
    """Part the changes of a step into those that are sent together."""
    joint = [item for item in step if _is_joinable(item[1])]
    size = provider.bulk_size if len(joint) > 1 else 1
    if size <= 1:
        return [[item] for item in step]
    parts = [joint[start : start + size] for start in range(0, len(joint), size)]
    return [*parts, *([item] for item in step if not _is_joinable(item[1]))]


def _is_joinable(change: Change) -> bool:
    """Whether a change depends on no other one, and takes nothing from anybody."""
    return (
        change.kind is Kind.USER
        and change.action in {Action.CREATE, Action.PATCH}
        and not (change.is_second_pass or change.interim or change.takes_access)
    )


def _take(
    ended: SimpleQueue[Future[list[Outcome]]], halt: threading.Event | None
) -> list[Future[list[Outcome]]]:
    """Wait for one, for more unless something halts them, and take all that are there by then."""
    futures = [ended.get()]
    if halt is not None:
        halt.wait(_GATHER_S)
    while not ended.empty():
        futures.append(ended.get())
    return futures


class _Application:
    """One plan being applied: what exists by now, and why to stop."""

    def __init__(
        self,
        provider: ServiceProvider,
        check: Callable[[], None],
        suspects: Mapping[str, Collection[str]],
        linked: Mapping[str, str],
        *,
        patience: int,
    ) -> None:
        self._suspects = suspects
        self._linked = linked
        self.error: JcsyncError | None = None
        self.halt = threading.Event()
        self._provider = provider
        self._check = check
        self._patience = patience
        self._created: dict[str, str] = {}
        self._unanswered = 0
        self._lock = threading.Lock()

    def attempt_all(self, part: Part, begin: Callable[[Part], None]) -> list[Outcome]:
        """Make changes by one request; begin each by itself that it did not make."""
        if len(part) == 1 or self.error is not None:
            return [self.attempt(n, change) for n, change in part]
        try:
            self._check()
            sent = self._provider.write_users([change for _, change in part])
        except (StoppedError, LeaseLostError, RemoteError) as error:
            self.stop(error)
            sent = [None] * len(part)
        outcomes = []
        for (n, change), written in zip(part, sent, strict=True):
            if written is None:
                begin([(n, change)])
            else:
                outcomes.append(self.attempt(n, change, written))
        return outcomes

    def attempt(self, n: int, change: Change, sent: Written | RemoteError | None = None) -> Outcome:
        """Make one change, unless something has happened that stops the rest.

        Args:
            n: Its number.
            change: To make.
            sent: What became of it already, ``None`` when it was not sent.
        """
        if sent is None and self.error is not None:
            return Outcome(n=n, status=Status.NOT_ATTEMPTED, error=str(self.error), attempts=0)
        before = self._provider.repeats
        rejected = False
        unkept: tuple[AttributeChange, ...] = ()
        try:
            if sent is None:
                self._check()
            change, error = self._resolve_references(change)
            written = Written(resource_id="")
            if not error:
                written, error = self._apply(change) if sent is None else self._taken(change, sent)
            if not error:
                error, unkept = self._verify(change, written)
            resource_id = written.resource_id
        except (StoppedError, LeaseLostError) as stop:
            self.stop(stop)
            return Outcome(n=n, status=Status.NOT_ATTEMPTED, error=str(stop), attempts=0)
        except RemoteError as failure:
            self._weigh(failure)
            resource_id, error = "", str(failure)
            rejected = not isinstance(failure, TransientError | UnauthorizedError)
        else:
            self._unanswered = 0
        return Outcome(
            n=n,
            status=Status.FAILED if error else Status.APPLIED,
            error=error,
            attempts=1 + self._provider.repeats - before,
            resource_id=resource_id,
            rejected=rejected,
            unkept=unkept,
        )

    def _resolve_references(self, change: Change) -> tuple[Change, str]:
        """Put the ids of new accounts in; return also whose account was not created, if any."""
        if not change.is_second_pass:
            return change, ""
        resource_id = change.resource_id or self._created.get(change.external_id, "")
        if not resource_id:
            return change, "the account was not created, so it refers to nobody"
        attributes = []
        for attribute in change.attributes:
            value = self._created.get(attribute.target, "")
            if not value:
                return (
                    change,
                    f"{attribute.path}: the account of {attribute.target} was not created",
                )
            attributes.append(replace(attribute, after=value, target=""))
        return replace(change, resource_id=resource_id, attributes=tuple(attributes)), ""

    def _verify(self, change: Change, written: Written) -> tuple[str, tuple[AttributeChange, ...]]:
        """Read back what must not be believed by its status alone; return what is wrong with it.

        Whose access was taken must not have it any more, and a value that was written before and
        is due again may be one that the platform does not keep, whatever its answer echoes. Of
        all else, what the platform has shown after the write already is not read once more.
        """
        for attribute in written.unkept:
            if attribute.path == "active" and attribute.before is not None:
                end = "still active" if attribute.before else "still not active"
                done = "deactivated" if attribute.before else "reactivated"
                return f"the platform answered that it was {done}, but the account is {end}", ()
        paths = self._suspects.get(change.external_id, ()) if change.kind is Kind.USER else ()
        if written.unkept or (written.seen and not paths):
            return "", written.unkept
        if change.action is not Action.DEACTIVATE and not paths:
            return "", ()
        actual = self._provider.fetch_user(change.resource_id)
        if actual is None:
            return "", ()
        if change.action is Action.DEACTIVATE:
            still = "the platform answered that it was deactivated, but the account is still active"
            return (still if actual.active and actual.shows_active else ""), ()
        return "", find_unkept(change, paths, actual)

    def _weigh(self, failure: RemoteError) -> None:
        """Stop the rest after refused credentials, or when nothing is answered any more."""
        with self._lock:
            self._unanswered = self._unanswered + 1 if isinstance(failure, TransientError) else 0
            hopeless = self._unanswered >= self._patience
        if isinstance(failure, UnauthorizedError) or hopeless:
            self.stop(failure)

    def stop(self, error: JcsyncError) -> None:
        """Attempt nothing more; the first reason counts."""
        with self._lock:
            self.error = self.error or error
        self.halt.set()

    def _apply(self, change: Change) -> tuple[Written, str]:
        """Return the resource that now exists, and what went wrong in part."""
        if change.kind is Kind.GROUP:
            resource_id, error = self._apply_group(change)
            return Written(resource_id=resource_id), error
        match change.action:
            case Action.CREATE:
                values: dict[str, Value] = {a.path: a.after for a in change.attributes}
                created = self._create(change, values)
                self._created[change.external_id] = created.resource_id
                return created, ""
            case Action.DELETE:
                self._provider.delete_user(change.resource_id)
                return Written(resource_id=""), ""
            case _ if change.interim and change.rename:
                return self._come_back(change, change.rename), ""
            case _:
                return self._provider.patch_user(change.resource_id, change.attributes), ""

    def step_aside(self, change: Change) -> None:
        """Give an account its interim name, so that the one that it has is free for another.

        Where that fails, the change itself fails in its turn, and says so.
        """
        if change.rename is None or self.error is not None:
            return
        aside = replace(change.rename, after=change.interim)
        try:
            self._check()
            self._provider.patch_user(change.resource_id, (aside,))
        except (StoppedError, LeaseLostError) as stop:
            self.stop(stop)
        except RemoteError as failure:
            self._weigh(failure)

    def _come_back(self, change: Change, name: AttributeChange) -> Written:
        """Give an account with an interim name the one that it shall have, or the old one back."""
        others = (a for a in change.attributes if a is not name)
        due = (replace(name, before=change.interim), *others)
        try:
            return self._provider.patch_user(change.resource_id, due)
        except RemoteError as failure:
            back = replace(name, before=change.interim, after=name.before)
            try:
                self._provider.patch_user(change.resource_id, (back,))
                left = f"it is {name.before!r} again"
            except RemoteError as again:
                left = f"it may be {change.interim!r} until a later run: {again}"
            message = f"{failure}; the userName could not go round: {left}"
            raise type(failure)(message, status=failure.status) from failure

    def _taken(self, change: Change, sent: Written | RemoteError) -> tuple[Written, str]:
        if isinstance(sent, RemoteError):
            raise sent
        if change.action is Action.CREATE:
            self._created[change.external_id] = sent.resource_id
        return sent, ""

    def _create(self, change: Change, values: Mapping[str, Value]) -> Written:
        """Create an account, or give back the one that the platform hides.

        Platforms hide deactivated accounts from lists and refuse to make them anew: then the
        account that jcsync made for this person before is reactivated.
        """
        try:
            return self._provider.create_user(change.external_id, values)
        except ConflictError:
            resource_id = self._linked.get(change.external_id, "")
            hidden = self._provider.fetch_user(resource_id) if resource_id else None
            if hidden is None or hidden.external_id not in {"", change.external_id}:
                raise
            return self._provider.patch_user(resource_id, _revival(change, hidden))

    def _apply_group(self, change: Change) -> tuple[str, str]:
        if change.action is Action.DELETE:
            self._provider.delete_group(change.resource_id)
            return "", ""
        add, absent = self._resolve(change.add)
        remove, _ = self._resolve(change.remove)
        refused = ""
        if change.action is Action.CREATE:
            resource_id, add = self._provider.create_group(change.external_id, change.name, add)
        else:
            resource_id = change.resource_id
            refused = self._patch_group(change, alone=not (add or remove))
        try:
            if add or remove:
                self._provider.patch_members(resource_id, add=add, remove=remove)
        except RemoteError as failure:
            if change.action is not Action.CREATE or isinstance(failure, UnauthorizedError):
                raise
            self._weigh(failure)
            return resource_id, f"the group exists, its members failed: {failure}"
        return resource_id, refused or _absentees(absent, len(change.add))

    def _patch_group(self, change: Change, *, alone: bool) -> str:
        """Change the name of a group; return why that was refused, where its members go on.

        Raises:
            RejectedError: It is ``alone``: its members do not change.
        """
        try:
            if change.attributes:
                self._provider.patch_group(change.resource_id, change.attributes)
        except RejectedError as failure:
            if alone:
                raise
            return f"its members were changed, the group itself was not: {failure}"
        return ""

    def _resolve(self, members: Sequence[Member]) -> tuple[Sequence[str], list[str]]:
        """Return the ids of accounts, and the names of those who have none."""
        found: list[str] = []
        absent: list[str] = []
        for member in members:
            resource_id = member.resource_id or self._created.get(member.external_id, "")
            if resource_id:
                found.append(resource_id)
            else:
                absent.append(member.name)
        return found, absent


def _revival(change: Change, hidden: UserResource) -> tuple[AttributeChange, ...]:
    """What makes of a hidden account the one that should be created."""
    access = AttributeChange(path="active", before=hidden.active, after=True)
    held = ((a, hidden.attributes.get(a.path)) for a in change.attributes)
    due = (replace(a, before=value) for a, value in held if not is_equal(a.path, value, a.after))
    return (access, *due)


def _absentees(absent: Sequence[str], planned: int) -> str:
    if not absent:
        return ""
    names = ", ".join(absent[:_SHOWN]) + (", …" if len(absent) > _SHOWN else "")
    return f"{len(absent)} of {planned} new members have no account: {names}"
