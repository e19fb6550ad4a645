"""``init``: from nothing to a first plan, by flags and at a terminal."""

import re
import stat

import pytest

from jcsync.sandbox import misfortunes
from jcsync.settings import load_settings
from tests.scenario.site import GROUP, Result, Site
from tests.scenario.terminal import Terminal


@pytest.fixture
def fresh(site: Site) -> Site:
    """People in two groups, and no configuration yet; the store is kept in the folder."""
    site.join("ann", "bob")
    site.join("cid", group="Admins")
    site.config.unlink()
    site.environ["XDG_STATE_HOME"] = str(site.folder / "state")
    return site


def secrets_of(site: Site) -> dict[str, str]:
    """The variables that hold both secrets."""
    return {
        "JCSYNC_CONNECTIONS__KEEPNET__DIRECTORY__API_KEY": site.world.jumpcloud.api_key,
        "JCSYNC_CONNECTIONS__KEEPNET__PROVIDER__TOKEN": site.world.platform.token,
    }


def addresses(site: Site) -> tuple[str, ...]:
    """Flags that lead to the sandbox."""
    return ("--jumpcloud-url", site.world.jumpcloud.url, "--url", site.world.platform.url)


def by_flags(site: Site, *args: str) -> Result:
    """Run ``init`` without a terminal."""
    return site("init", "--group", GROUP, *addresses(site), *args, config=False)


def files(site: Site) -> set[str]:
    """What is in the folder of the configuration."""
    folder = site.folder / "config"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


# ---- by flags


def test_flags_and_variables_are_enough(fresh: Site) -> None:
    """The configuration, both secrets with mode 0600, and the first plan; nothing is written."""
    fresh.environ |= secrets_of(fresh)

    result = by_flags(fresh, "--region", "eu")

    assert result.status == 0, result.text
    assert files(fresh) == {"jcsync.yaml", "keepnet.api-key", "keepnet.token"}
    for path in (fresh.folder / "config").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "+ create" in result.out
    assert "2 to create" in result.out
    assert fresh.writes == []
    text = (fresh.folder / "config" / "jcsync.yaml").read_text(encoding="utf-8")
    for secret in secrets_of(fresh).values():
        assert secret not in text
    fresh.environ = {"XDG_STATE_HOME": fresh.environ["XDG_STATE_HOME"]}
    assert fresh("config", "validate", config=False).status == 0
    assert fresh("reconcile", config=False).status == 0
    assert fresh.active == {"ann", "bob"}


def test_what_is_missing_is_said_at_once(fresh: Site) -> None:
    """In CI nobody can be asked: all that is missing, with the ways to give it; exit status 2."""
    result = fresh("init", "--profile", "rfc", config=False)

    assert result.status == 2
    assert "4 answers missing" in result.err
    for text in ("--api-key-file", "--group", "--url", "--token-file", "__PROVIDER__TOKEN"):
        assert text in result.err
    assert files(fresh) == set()


def test_secrets_in_files_stay_where_they_are(fresh: Site) -> None:
    """Mounted secrets are used, not copied."""
    key, token = fresh.folder / "key", fresh.folder / "token"
    for path, secret in zip((key, token), secrets_of(fresh).values(), strict=True):
        path.write_text(f"{secret}\n", encoding="utf-8")
        path.chmod(0o600)

    result = by_flags(fresh, "--api-key-file", str(key), "--token-file", str(token), "--json")

    assert result.status == 0, result.text
    assert files(fresh) == {"jcsync.yaml"}
    (written,), (run,) = result.document["written"], result.document["runs"]
    assert written.endswith("jcsync.yaml")
    assert len(run["plan"]["changes"]) == 2


def test_what_fails_is_not_to_be_left_running(fresh: Site) -> None:
    """A store that knows the connection from another organisation: the first plan says what to do."""
    fresh.environ |= secrets_of(fresh)
    assert "jcsync run" in by_flags(fresh).text
    assert fresh("reconcile", config=False).status == 0
    api = fresh.world.jumpcloud.api
    other = api.add_organization("Globex")
    other.create_group(GROUP)
    variable = "JCSYNC_CONNECTIONS__KEEPNET__DIRECTORY__API_KEY"
    fresh.environ[variable] = api.issue_key(other.id)

    result = by_flags(fresh, "--force")

    assert result.status == 2
    assert "this connection was set up in" in result.out
    assert "jcsync run" not in result.text


def test_nothing_is_replaced_unasked(fresh: Site) -> None:
    """A file that is there stays, a secret too; ``--force`` replaces them."""
    fresh.environ |= secrets_of(fresh)
    folder = fresh.folder / "config"
    folder.mkdir()
    (folder / "keepnet.token").write_text("precious", encoding="utf-8")

    result = by_flags(fresh)

    assert result.status == 2
    assert "--force" in result.err
    assert (folder / "keepnet.token").read_text(encoding="utf-8") == "precious"
    assert files(fresh) == {"keepnet.token"}
    assert by_flags(fresh, "--force").status == 0
    assert (folder / "keepnet.token").read_text().strip() == fresh.world.platform.token


@pytest.mark.parametrize(
    ("change", "args", "status", "says"),
    [
        pytest.param({"KEY": "wrong"}, (), 6, "refused the credentials", id="wrong key"),
        pytest.param({"TOKEN": "wrong"}, (), 6, "refused the credentials", id="wrong token"),
        pytest.param({}, ("--group", "Keepnet User"), 2, f"did you mean '{GROUP}'", id="group"),
        pytest.param({}, ("--profile", "keepnt"), 2, "there is no profile", id="profile"),
        pytest.param({}, ("--name", "Keep net"), 2, "cannot be the name", id="name"),
        pytest.param({}, ("--url", "scim.example.com"), 2, "absolute URL", id="url"),
        pytest.param({"KEY": "two\nlines"}, (), 2, "line break", id="secret"),
        pytest.param({}, ("--api-key-file", "none"), 2, "does not exist", id="no file"),
    ],
)
def test_what_does_not_work_writes_nothing(
    fresh: Site, change: dict[str, str], args: tuple[str, ...], status: int, says: str
) -> None:
    """Errors read as everywhere, and leave no file behind."""
    fresh.environ |= secrets_of(fresh)
    for end, value in change.items():
        (name,) = [name for name in fresh.environ if name.endswith(end)]
        fresh.environ[name] = value

    result = by_flags(fresh, *args)

    assert result.status == status, result.text
    assert says in result.err
    assert files(fresh) == set()


def test_names_that_yaml_would_misread(fresh: Site) -> None:
    """Whatever a group is called, it is that group that is provisioned."""
    fresh.environ |= secrets_of(fresh)
    names = ["no", "1.0", "Sales: 'EMEA' # 1", "* all", 'quote " and \\', "Łódź  Büro"]
    for name in names:
        fresh.world.jumpcloud.state.create_group(name, ["ann"])

    result = fresh(
        "init", *addresses(fresh), *(a for n in names for a in ("--group", n)), config=False
    )

    assert result.status == 0, result.text
    loaded = load_settings(fresh.folder / "config" / "jcsync.yaml", {}, fresh.folder)
    assert [entry.name for entry in loaded.settings.connections["keepnet"].scope.groups] == names


# ---- at a terminal


def at_terminal(site: Site, *args: str) -> Terminal:
    """Start ``init`` at a terminal, with the address of the sandbox's JumpCloud."""
    return Terminal(
        site.folder,
        "init",
        "--jumpcloud-url",
        site.world.jumpcloud.url,
        *args,
        environ=site.environ,
    )


def test_questions_lead_to_a_first_plan(fresh: Site) -> None:
    """Key, groups from a list, platform, token; secrets are not shown; then the plan."""
    world = fresh.world
    with at_terminal(fresh) as terminal:
        terminal.answer("API key:", world.jumpcloud.api_key)
        terminal.expect("key accepted")
        terminal.expect("1  Admins")
        terminal.expect(f"2  {GROUP}")
        terminal.answer("Groups", "2")
        terminal.expect(f"chosen: {GROUP}")
        terminal.answer("Enter when done", "")
        terminal.answer("Profile", "rfc")
        terminal.answer("SCIM base URL", world.platform.url)
        terminal.answer("Token", world.platform.token)
        terminal.expect("token accepted")
        status = terminal.end()

    assert status == 0, terminal.seen
    assert "2 to create" in terminal.seen
    assert world.jumpcloud.api_key not in terminal.seen
    assert world.platform.token not in terminal.seen
    assert files(fresh) == {"jcsync.yaml", "keepnet.api-key", "keepnet.token"}


def test_wrong_answers_are_asked_for_again(fresh: Site) -> None:
    """A wrong key, a number that is not there, a wrong address: explained, and asked again."""
    world = fresh.world
    with at_terminal(fresh) as terminal:
        terminal.answer("API key:", "wrong")
        terminal.expect("refused the credentials")
        terminal.answer("API key:", world.jumpcloud.api_key)
        terminal.answer("Groups", "9")
        terminal.expect("there is no number 9")
        terminal.answer("Groups", "admi")
        terminal.expect("1  Admins")
        terminal.answer("Groups", "admn")  # what is on the screen still has its numbers
        terminal.expect("no group has that")
        terminal.answer("Groups", "1")
        terminal.answer("Enter when done", "")
        terminal.answer("Profile", "nonsense")
        terminal.answer("Profile", "rfc")
        terminal.answer("SCIM base URL", f"{world.platform.url}/v9")
        terminal.answer("Token", world.platform.token)
        terminal.expect("✗")
        terminal.answer("SCIM base URL", world.platform.url)
        terminal.answer("Token", "wrong-token")
        terminal.expect("create a new one on the platform")
        terminal.answer("SCIM base URL", world.platform.url)
        terminal.answer("Token", world.platform.token)
        assert terminal.end() == 0, terminal.seen
    assert "jcsync-init-" not in terminal.seen

    loaded = load_settings(fresh.folder / "config" / "jcsync.yaml", {}, fresh.folder)
    assert [e.name for e in loaded.settings.connections["keepnet"].scope.groups] == ["Admins"]


def test_several_organisations_are_chosen_from(fresh: Site) -> None:
    """A key of a provider of many organisations: the list, with names."""
    api = fresh.world.jumpcloud.api
    other = api.add_organization("Globex")
    key = api.issue_key(api.state.id, other.id)
    with at_terminal(fresh, "--group", GROUP) as terminal:
        terminal.answer("API key:", key)
        terminal.expect("2 organisations")
        terminal.expect("Organisation:")
        (number,) = re.findall(rf"(\d)  [^\n]*{api.state.id}", terminal.seen)
        terminal.type(number)
        terminal.expect("key accepted")
        terminal.expect("Profile")


@pytest.mark.parametrize("question", ["API key:", "Groups", "Token:"])
def test_interrupt_leaves_nothing(fresh: Site, question: str) -> None:
    """Ctrl-C at any question: nothing is written, and said so."""
    world = fresh.world
    answers = {
        "API key:": world.jumpcloud.api_key,
        "Groups": "1",
        "Enter when done": "",
        "Profile": "rfc",
        "SCIM base URL": world.platform.url,
    }
    with at_terminal(fresh) as terminal:
        for asked, text in answers.items():
            if asked == question:
                break
            terminal.answer(asked, text)
        terminal.expect(question)
        terminal.interrupt()
        status = terminal.end()

    assert status == 130
    assert "nothing was written" in terminal.seen
    assert "Traceback" not in terminal.seen
    assert files(fresh) == set()


def test_interrupt_while_a_side_is_asked(fresh: Site) -> None:
    """Also while it waits for an answer of the network."""
    fresh.world.jumpcloud.faults.add(misfortunes.hang(30), count=None)
    with at_terminal(fresh) as terminal:
        terminal.answer("API key:", "some-key")
        terminal.expect("\n")
        terminal.interrupt()
        assert terminal.end() == 130, terminal.seen
    assert "Traceback" not in terminal.seen
    assert files(fresh) == set()


def test_disk_that_cannot_be_written(fresh: Site) -> None:
    """Said with the file; nothing half-written."""
    fresh.environ |= secrets_of(fresh)
    (fresh.folder / "config").write_text("a file where a folder should be", encoding="utf-8")

    result = by_flags(fresh)

    assert result.status == 2, result.text
    assert "cannot be written" in result.err
