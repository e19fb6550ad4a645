"""How many requests runs send, exactly, and what they load: what a person or a group more may cost."""

import subprocess
import sys
from urllib.parse import parse_qs

import pytest

from jcsync.sandbox.misfortunes import fail
from jcsync.sandbox.people import generate_people
from jcsync.sandbox.traffic import Traffic
from tests.scenario.site import Site

PEOPLE = 230
FEW = 30
MEMBERSHIPS = "/api/v2/usergroups/{id}/membership"
READ_JUMPCLOUD = {
    ("GET", "/api/organizations"): 1,
    ("POST", "/insights/directory/v1/events"): 1,
    ("GET", "/api/v2/usergroups"): 1,
    ("GET", MEMBERSHIPS): 3 + 1,
    ("GET", "/api/systemusers"): 3,
}
"""By hundreds: the groups, the members of each, the users; beside them who asks, and the event log."""

READ_PLATFORM = {("GET", "/scim/v2/Users"): 2, ("GET", "/scim/v2/Groups"): 2}
"""By 200, which is what this platform gives at once; the second page of groups tells their end."""

ASKED_AGAIN = 5
"""Before the first accounts are created on a platform that claims to be empty: four people by name,
and, as that finds nobody, the list once more."""


@pytest.fixture
def company(site: Site) -> Site:
    """230 people in one group, 30 of them in another as well; nothing is provisioned yet."""
    people = generate_people(PEOPLE, oddities=False)
    state = site.world.jumpcloud.state
    state.admit(people)
    state.create_group("All", [person.id for person in people])
    state.create_group("Few", [person.id for person in people[:FEW]])
    site.configure(scope={"groups": ["All", "Few"]}, groups={"enabled": True})
    return site


@pytest.fixture
def settled(company: Site) -> Site:
    """The same company after its first run."""
    result = company("reconcile")
    assert result.status == 0, result.text
    company.forget_traffic()
    return company


@pytest.fixture
def licensed(company: Site) -> Site:
    """The same company after its first run, with a licence for the event log."""
    company.world.jumpcloud.state.events.enabled = True
    result = company("reconcile")
    assert result.status == 0, result.text
    company.forget_traffic()
    return company


def traffic(site: Site) -> tuple[Traffic, Traffic]:
    """What JumpCloud and the platform were asked."""
    return site.world.jumpcloud.faults.traffic, site.world.platform.faults.traffic


def test_first_run(company: Site) -> None:
    """One request a person, and one a group, with its members."""
    done = company("reconcile", "--json").run

    directory, platform = traffic(company)
    assert done["outcome"] == "applied"
    assert done["requests"] == {"directory": directory.total, "provider": platform.total}
    assert directory.counts == READ_JUMPCLOUD
    assert platform.counts == {
        ("GET", "/scim/v2/Users"): 1 + ASKED_AGAIN,
        ("GET", "/scim/v2/Groups"): 1,
        ("POST", "/scim/v2/Users"): PEOPLE,
        ("POST", "/scim/v2/Groups"): 2,
    }


def test_first_run_on_a_platform_without_groups(company: Site) -> None:
    """The list of accounts is complete all the same: nobody is looked up before he is created."""
    company.world.platform.faults.add(fail(404), path="/Groups", count=None)

    done = company("reconcile", "--json").run

    _, platform = traffic(company)
    assert done["outcome"] == "partial"
    assert platform.counts == {
        ("GET", "/scim/v2/Users"): 1 + ASKED_AGAIN,
        ("GET", "/scim/v2/Groups"): 1,
        ("POST", "/scim/v2/Users"): PEOPLE,
    }


def test_nothing_to_do(settled: Site) -> None:
    """Both sides once, page by page, and no write."""
    done = settled("reconcile", "--json").run

    directory, platform = traffic(settled)
    assert done["outcome"] == "in_sync"
    assert directory.counts == READ_JUMPCLOUD
    assert platform.counts == READ_PLATFORM
    assert platform.writes == []


def test_plan_asks_nothing_that_a_run_does_not(settled: Site) -> None:
    """A plan costs what a run costs that finds nothing to do."""
    settled("plan")

    directory, platform = traffic(settled)
    assert directory.counts == READ_JUMPCLOUD
    assert platform.counts == READ_PLATFORM


def test_one_person_changed(settled: Site) -> None:
    """One PATCH beside what nothing to do would have cost."""
    person = next(iter(settled.world.jumpcloud.state.users))
    settled.world.jumpcloud.state.change(person, lastname="Nakamura-Smith")

    done = settled("reconcile", "--json").run

    directory, platform = traffic(settled)
    assert done["plan"]["counts"]["users"]["patch"] == 1
    assert directory.counts == READ_JUMPCLOUD
    assert platform.counts == {**READ_PLATFORM, ("PATCH", "/scim/v2/Users/{id}"): 1}


def test_one_person_changed_in_a_fast_run(licensed: Site) -> None:
    """The event log names him: he and his two groups are read, and he is changed."""
    state = licensed.world.jumpcloud.state
    state.change(next(iter(state.users)), lastname="Nakamura-Smith")

    done = licensed("reconcile", "--fast", "--json").run

    directory, platform = traffic(licensed)
    assert (done["mode"], done["plan"]["counts"]["users"]["patch"]) == ("fast", 1)
    assert directory.counts == {
        ("GET", "/api/organizations"): 1,
        ("POST", "/insights/directory/v1/events"): 1,
        ("GET", "/api/v2/usergroups"): 1,
        ("GET", "/api/systemusers/{id}"): 1,
        ("GET", "/api/v2/users/{id}/memberof"): 1,
    }
    assert platform.counts == {
        ("GET", "/scim/v2/Users/{id}"): 1,
        ("PATCH", "/scim/v2/Users/{id}"): 1,
        ("GET", "/scim/v2/Groups"): 1,
    }


def test_a_fast_run_that_becomes_a_full_one_reads_the_directory_once(settled: Site) -> None:
    """What it has read without an event log, the full run goes on with."""
    state = settled.world.jumpcloud.state
    for person in list(state.users)[: PEOPLE // 4]:
        state.change(person, lastname="Nakamura-Smith")

    done = settled("reconcile", "--fast", "--json").run

    directory, platform = traffic(settled)
    assert (done["mode"], done["outcome"]) == ("full", "applied")
    assert directory.counts == {**READ_JUMPCLOUD, ("GET", "/api/organizations"): 2}
    assert platform.counts == {**READ_PLATFORM, ("PATCH", "/scim/v2/Users/{id}"): PEOPLE // 4}


def asked_fields(site: Site) -> set[str]:
    """What the lists of users were asked for."""
    queries = [r.query for r in traffic(site)[0].log if r.path == "/api/systemusers"]
    return {name for query in queries for name in parse_qs(query)["fields"][0].split()}


def test_fields_that_nothing_needs_are_not_read(settled: Site) -> None:
    """A mapping or a condition that needs one is all it takes to read it."""
    settled("reconcile")
    usual = asked_fields(settled)
    work = 'addresses[type eq "work"].country'
    settled.configure(
        scope={"groups": ["All"], "where": [{"attribute": "company", "exists": True}]},
        users={"attributes": {work: "addresses[work].country"}},
    )
    settled.forget_traffic()
    done = settled("plan", "--json").run

    assert {"email", "department", "state"} < usual
    assert usual.isdisjoint({"addresses", "attributes", "company", "manager", "description"})
    assert asked_fields(settled) == {*usual, "addresses", "company"}
    (change, *_) = done["plan"]["changes"]
    assert [a["path"] for a in change["attributes"]] == [work]
    assert done["plan"]["counts"]["users"]["patch"] == PEOPLE


SPARED = (
    "alembic",
    "apprise",
    "apscheduler",
    "babel",
    "jinja2",
    "opentelemetry",
    "phonenumbers",
    "prometheus_client",
    "psycopg",
    "pygments",
    "rich",
    "sqlalchemy.dialects.postgresql",
)
"""What takes long to import, and a run by hand on SQLite does without."""


def modules_after(*args: str) -> set[str]:
    """What a command has loaded by its end."""
    program = "import sys; from jcsync.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program, *args], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


def test_a_run_loads_only_what_it_needs(settled: Site) -> None:
    """Start-up is half of a small run, and all of it is imports."""
    loaded = modules_after("reconcile", "--quiet", "--config", str(settled.config))

    assert "sqlalchemy" in loaded
    assert {*SPARED} & loaded == set()


def test_help_and_version_load_next_to_nothing() -> None:
    """Neither the settings nor the store, nor anything that goes to the network."""
    loaded = modules_after("--version")

    assert "click" in loaded
    heavy = {"msgspec", "pydantic", "requests", "sqlalchemy", "structlog", "yaml", *SPARED}
    assert heavy & loaded == set()
    assert {name for name in loaded if name.startswith("jcsync.model")} == set()


def test_memory_is_not_looked_through_at_the_end() -> None:
    """What is there then is out of the collector's sight before Python calls it for the last time."""
    code = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"  # runs after later ones
        "from jcsync.cli import main\n"
        "main(['--version'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True"
