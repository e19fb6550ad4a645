"""Two sides and a store, one history: what happens to them, what a run does, what must hold."""

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from jcsync.clock import SystemClock
from jcsync.model.report import FindingKind, RunOutcome, RunReport, Status
from jcsync.pipeline import Order, run
from jcsync.sandbox.fast_platform import FastPlatform
from jcsync.sandbox.faults import Faults
from jcsync.sandbox.jumpcloud import JumpCloud
from jcsync.settings import Loaded, load_settings
from jcsync.store import SqlStore, open_store
from jcsync.transport import RetryPolicy
from jcsync.wiring import wired
from tests.promises.wire import KilledError, Mortality, MortalStore, in_process

STAFF, ADMINS, OTHERS = "Staff", "Admins", "Others"
SCOPE = (STAFF, ADMINS)
TOKEN = "platform-token"
NO_WAIT = RetryPolicy(attempts=3, connect_attempts=2, budget_s=60, longest_wait_s=0)
NO_LIMITS = {
    "deactivate": {"count": None, "percent": None},
    "remove_members": {"count": None, "percent": None},
    "patch": {"count": None, "percent": None},
    "delete": {"count": None, "percent": None},
    "delete_groups": {"count": None, "percent": None},
}
Resource = dict[str, Any]


@cache
def common_settings() -> Loaded:
    """The settings of every history, but for the key."""
    connection: dict[str, Any] = {
        "allow_insecure": True,
        "directory": {
            "base_url": "http://jumpcloud",
            "insights_url": "http://jumpcloud/insights/directory/v1",
            "api_key": "to-be-replaced",
        },
        "scope": {"groups": list(SCOPE)},
        "provider": {"base_url": "http://platform/scim/v2", "token": TOKEN, "profile": "rfc"},
        "groups": {"enabled": True},
        "limits": NO_LIMITS,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jcsync.yaml"
        import yaml  # noqa: PLC0415

        file.write_text(yaml.safe_dump({"connections": {"demo": connection}}))
        file.chmod(0o600)
        return load_settings(file, {}, Path(folder))


class _Disk:
    """The store of this process: opened once, so that its statements are compiled once.

    Closing it ends its connections, as the death of a process does; the next use connects anew.
    """

    def __init__(self) -> None:
        """Make a store in memory, where there is a file system there."""
        shared = Path("/dev/shm")  # noqa: S108 - a file system in memory
        # Removed when the process ends.
        self._folder = tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None)
        self._file = Path(self._folder.name) / "jcsync.db"
        self.store = open_store(f"sqlite:///{self._file}", SystemClock())
        self.store.close()
        self._blank = self._file.read_bytes()

    def wipe(self) -> None:
        """Put a store in which nothing is written in its place."""
        self.store.close()
        for file in self._file.parent.iterdir():
            file.unlink()
        self._file.write_bytes(self._blank)


disk = cache(_Disk)


class History:
    """Both sides, the store, and the run between them.

    Attributes:
        organization: The directory.
        platform: The platform.
        directory_faults: What goes wrong on the way to the directory.
        platform_faults: Likewise, to the platform.
        lost: Whether the store was lost since all was as it should be: who leaves before the next
            run is then nobody's any more.
        orphans: JumpCloud ids of those who left so.
        foreign: ``id`` of accounts that are not jcsync's and never may be.
    """

    def __init__(self) -> None:
        """Found an organisation with three groups, and an empty platform."""
        self.api = JumpCloud()
        self.organization = self.api.state
        self.platform = FastPlatform(TOKEN)
        self.directory_faults, self.platform_faults = Faults(self.api), Faults(self.platform)
        self.lost = False
        self.orphans: set[str] = set()
        self.foreign: set[str] = set()
        disk().wipe()
        for name in (STAFF, ADMINS, OTHERS):
            self.organization.create_group(name)
        self._loaded = self._settings()

    def _settings(self) -> Loaded:
        settings = common_settings().settings
        connection = settings.connections["demo"]
        update = {"api_key": SecretStr(self.api.api_key), "requests_per_second": 1_000_000}
        directory = connection.directory.model_copy(update=update)
        connection = connection.model_copy(update={"directory": directory})
        return Loaded(settings=settings.model_copy(update={"connections": {"demo": connection}}))

    def lose_store(self) -> None:
        """Begin with an empty store."""
        disk().wipe()
        self.lost = True

    @property
    def store(self) -> SqlStore:
        """The one of this process: one history lives at a time."""
        return disk().store

    # ---- what is so

    def entitled(self) -> set[str]:
        """JumpCloud ids of everybody who should have access now."""
        members = {user_id for name in SCOPE for user_id in self.organization.group(name).members}
        return {
            person.id
            for person in self.organization.users.values()
            if person.id in members and person.state == "ACTIVATED"
        }

    def accounts(self) -> dict[str, Resource]:
        """Every account, by its ``id``."""
        return {account["id"]: account for account in self.platform.accounts()}

    def members(self) -> dict[str, set[str]]:
        """``id`` of the members of each managed group that is there, by its name."""
        names = {self.organization.group(name).id: name for name in SCOPE}
        return {
            names[group["externalId"]]: {member["value"] for member in group.get("members", [])}
            for group in self.platform.groups()
            if group.get("externalId") in names
        }

    def links(self) -> dict[str, str]:
        """``id`` of the account by JumpCloud id."""
        return {
            link.external_id: link.resource_id
            for link in self.store.links("demo")
            if link.kind.value == "User"
        }

    def knows_all(self) -> bool:
        """Whether everything that jcsync has made on the platform is linked."""
        made = [*self.platform.accounts(), *self.platform.groups()]
        known = {link.resource_id for link in self.store.links("demo")}
        return all(one["id"] in known | self.foreign for one in made if one.get("externalId"))

    # ---- a run

    def run(self, *, die_at: int | None = None, order: Order | None = None) -> RunReport | None:
        """One run of a new process; ``None`` when it was killed."""
        mortality = Mortality(die_at)
        sides: Mapping[str, Any] = {
            "jumpcloud": self.directory_faults,
            "platform": self.platform_faults,
        }
        with in_process(sides, mortality), suppress(KilledError):
            mortal: Any = MortalStore(self.store, mortality)
            with wired(
                self._loaded,
                "demo",
                mortal,
                read_only=False,
                stop=threading.Event(),
                retry=NO_WAIT,
            ) as connection:
                return run(connection, order or Order(apply=True))
        self.store.close()
        return None

    def checked_run(
        self, *, die_at: int | None = None, order: Order | None = None
    ) -> RunReport | None:
        """One run, after which nobody may have lost what he should have."""
        accounts, members = self.accounts(), self.members()
        self.platform_faults.traffic.clear()
        report = self.run(die_at=die_at, order=order)
        self.check_nothing_wrong(accounts, members)
        return report

    def quiet_run(self, order: Order | None = None) -> RunReport:
        """A run without faults, after which all is as it should be, and a second one is idle."""
        self.directory_faults.clear()
        self.platform_faults.clear()
        report = self.checked_run(order=order)
        assert report is not None
        assert report.error is None, report.error
        if report.outcome is RunOutcome.HELD:
            return report
        assert report.directory_complete, report.findings
        assert report.provider_complete, report.findings
        failed = [o for o in report.outcomes if o.status is not Status.APPLIED]
        assert not failed, (failed, report.plan)
        self.check_all_right(report)
        self.check_idle(order)
        return report

    # ---- what must hold

    def check_nothing_wrong(
        self, before: Mapping[str, Resource], members: Mapping[str, set[str]]
    ) -> None:
        """After any run: nobody lost or got what he should not, no duplicates, no stranger touched.

        Args:
            before: The accounts before the run.
            members: The members of the groups before the run.
        """
        after, entitled = self.accounts(), self.entitled()
        for key, account in before.items():
            assert key in after, f"deleted: {account}"
            if key in self.foreign:
                assert after[key] == account, f"a foreign account was touched: {account}"
        for key, now in after.items():
            had, has = (
                before.get(key, {"active": False}).get("active", True),
                now.get("active", True),
            )
            if has != had:
                assert has == (now.get("externalId") in entitled), f"{had} -> {has}: {now}"
        now_in = self.members()
        assert members.keys() <= now_in.keys(), f"a group was deleted: {members.keys()}"
        for name, held in now_in.items():
            inside = self.organization.group(name).members.keys() & entitled
            lost = {after[key].get("externalId") for key in members.get(name, set()) - held}
            assert not lost & inside, f"not in {name} any more: {lost & inside}"
        self.check_no_duplicates(after.values())
        self.check_no_blind_repeats()

    def check_no_blind_repeats(self) -> None:
        """No create that the platform saw was sent again in the same run."""
        creates = [
            r for r in self.platform_faults.traffic.writes if r.method == "POST" and r.applied
        ]
        seen = Counter(json.loads(create.body)["externalId"] for create in creates)
        assert all(times == 1 for times in seen.values()), seen

    @staticmethod
    def check_no_duplicates(accounts: Iterable[Resource]) -> None:
        """No ``externalId`` and no ``userName`` is there twice."""
        accounts = list(accounts)
        ids = [a["externalId"] for a in accounts if a.get("externalId")]
        names = [a["userName"].casefold() for a in accounts]
        assert len(ids) == len(set(ids)), f"duplicate externalId: {accounts}"
        assert len(names) == len(set(names)), f"duplicate userName: {accounts}"

    def check_all_right(self, report: RunReport) -> None:
        """After a run without faults: exactly those have access who should."""
        accounts, entitled, links = self.accounts(), self.entitled(), self.links()
        by_owner = {a["externalId"]: a for a in accounts.values() if a.get("externalId")}
        for person_id in entitled:
            account = by_owner.get(person_id)
            if account is None or not account.get("active", True):
                assert self._is_excused(person_id, report), (
                    f"no access: {self.organization.users[person_id]}",
                    report.findings,
                )
            else:
                self._check_attributes(account, person_id, report)
        if self.lost:
            self.orphans |= by_owner.keys() - entitled
            self.lost = False
        self.orphans -= links.keys()
        for external_id, account in by_owner.items():
            if account["id"] not in self.foreign and account.get("active", True):
                known = entitled | self.orphans
                assert external_id in known, f"still has access: {account}"
        self._check_members(accounts, report)

    def _check_attributes(self, account: Resource, person_id: str, report: RunReport) -> None:
        """He is called as in the directory; a name that another account keeps is told."""
        person = self.organization.users[person_id]
        named = account["userName"].casefold() == person.email.casefold()
        assert named or self._is_excused(person_id, report), (account, person)
        assert account["name"]["givenName"] == person.firstname, (account, person)

    def _is_excused(self, person_id: str, report: RunReport) -> bool:
        """A name that somebody else's account has is a conflict, and has to be reported."""
        person = self.organization.users[person_id]
        taken = any(
            a.get("externalId") != person_id
            and person.email.casefold()
            in {a["userName"].casefold(), *(m["value"].casefold() for m in a.get("emails", []))}
            for a in self.accounts().values()
        )
        kinds = {FindingKind.CONFLICT, FindingKind.AMBIGUOUS}
        told = any(f.kind in kinds and f.subject == person.email for f in report.findings)
        changes = report.plan.changes if report.plan else ()
        told |= any(
            o.status is Status.FAILED and changes[o.n - 1].external_id == person_id
            for o in report.outcomes
        )
        return taken and told

    def _check_members(self, accounts: Mapping[str, Resource], report: RunReport) -> None:
        """Each group of the scope has exactly the members who have accounts of their own.

        Of a group with a member whose account cannot be told from another's, jcsync removes only
        accounts that it knows to be somebody else's: the one in question may be his.
        """
        groups = {g.get("externalId"): g for g in self.platform.groups()}
        by_owner = {a["externalId"]: key for key, a in accounts.items() if a.get("externalId")}
        for name in SCOPE:
            group = self.organization.group(name)
            assert groups[group.id]["displayName"] == name
            held = {m["value"] for m in groups[group.id].get("members", [])}
            implied = {by_owner[user_id] for user_id in group.members if user_id in by_owner}
            active = {by_owner[i] for i in group.members if i in by_owner and i in self.entitled()}
            assert active <= held, (name, held, implied)
            spared = self.foreign | set(accounts) - set(by_owner.values())
            if any(self._is_in_doubt(user_id, report) for user_id in group.members):
                spared |= set(accounts) - set(self.links().values())
            assert held - implied <= spared, (name, held, implied)

    def _is_in_doubt(self, person_id: str, report: RunReport) -> bool:
        email = (
            self.organization.users[person_id].email if person_id in self.organization.users else ""
        )
        kinds = {FindingKind.CONFLICT, FindingKind.AMBIGUOUS}
        return any(f.kind in kinds and f.subject == email for f in report.findings)

    def check_idle(self, order: Order | None = None) -> None:
        """A run that has nothing to do writes nothing."""
        before = (self.platform.accounts(), self.platform.groups())
        self.platform_faults.traffic.clear()
        self.directory_faults.traffic.clear()
        report = self.run(order=order)
        assert report is not None
        assert report.plan is not None
        assert report.plan.changes == (), report.plan.changes
        assert self.platform_faults.traffic.writes == []
        asked = [r for r in self.directory_faults.traffic.writes if not r.path.endswith("/events")]
        assert asked == []
        assert (self.platform.accounts(), self.platform.groups()) == before
