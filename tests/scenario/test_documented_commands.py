"""Every command that a page shows is run, page by page and in its order, against both sides."""

import re
from pathlib import Path

import pytest
import yaml

from tests.documented import PAGES, commands_of, name_of, shell_lines
from tests.scenario.site import GROUP, Result, Site, wait_for

EXPECTED = {
    # Nobody is there to answer; with flags it ends with 0.
    "init": 2,
    # Somebody was hired: changes are due.
    "plan --exit-code --out plan.json": 10,
}
KEEPNET = "https://scim-api.keepnetlabs.com/scim"
HOLD = "18"


class Reader:
    """Somebody who types what a page shows.

    Attributes:
        site: Where he types it.
    """

    def __init__(self, site: Site) -> None:
        """Have twelve people, and a configuration with the connections that the pages name."""
        self.site = site
        self.hired = 0
        site.join("ann", *(f"person{n}" for n in range(11)))
        (one,) = site.world.config()["connections"].values()
        other = {**one, "scope": {"groups": ["Globex"]}}
        site.world.jumpcloud.state.create_group("Globex")
        connections = {"keepnet": one, "acme": other, "globex": other}
        self.config = site.folder / "etc" / "jcsync.yaml"
        self.config.parent.mkdir()
        text = yaml.safe_dump({**site.world.config(), "connections": connections})
        self.config.write_text(text, encoding="utf-8")
        self.config.chmod(0o600)
        (site.folder / "backups").mkdir()
        for name, secret in (
            ("jumpcloud_api_key", site.world.jumpcloud.api_key),
            ("keepnet_token", site.world.platform.token),
        ):
            path = site.folder / name
            path.write_text(secret, encoding="utf-8")
            path.chmod(0o600)
        site.environ["XDG_STATE_HOME"] = str(site.folder / "state")
        site.environ["JCSYNC_HTTP__ENABLED"] = "false"
        site.environ["JCSYNC_CONFIG"] = str(self.config)

    def type(self, words: list[str]) -> None:
        """Run a command, and see that it ends as it should."""
        shown = " ".join(words)
        result = self.run([self.here(word) for word in words])
        assert result.status == EXPECTED.get(shown, 0), f"jcsync {shown}\n{result.text}"

    def run(self, words: list[str]) -> Result:
        """Run a command in the surroundings that it needs."""
        match words:
            case ["init", *_]:
                # It writes a configuration that the commands after it find.
                self.site.environ.pop("JCSYNC_CONFIG", None)
                asked = ["--jumpcloud-url", self.site.world.jumpcloud.url] if words[1:] else []
                result = self.site(*words, *asked, config=False)
                if result.status:
                    self.site.environ["JCSYNC_CONFIG"] = str(self.config)
                return result
            case ["run"]:
                return self.daemon()
            case ["plan", *_]:
                self.hired += 1
                self.site.join(f"joiner{self.hired}")
        return self.site(*words, config=False)

    def daemon(self) -> Result:
        """Run the daemon until it has asked JumpCloud."""
        traffic = self.site.world.jumpcloud.faults.traffic
        before = len(traffic.log)
        process = self.site.start("run", config=False)
        try:
            wait_for(lambda: len(traffic.log) > before)
        finally:
            process.terminate()
            out, err = process.communicate(timeout=20)
        return Result(status=process.returncode, out=out, err=err)

    def here(self, word: str) -> str:
        """Turn what a page names into what is here."""
        word = word.replace("/var/backups", str(self.site.folder / "backups"))
        word = word.replace(KEEPNET, self.site.world.platform.url)
        return str(self.hold()) if word == HOLD else word

    def hold(self) -> int:
        """Return the number of a held plan; three people leave at once where there is none."""
        if not self.held():
            assert self.site("reconcile", "keepnet", config=False).status == 0
            active = sorted(self.site.world.platform.active_names())
            for email in [name for name in active if name.startswith("person")][:3]:
                self.site.world.jumpcloud.state.remove_member(GROUP, email)
            assert self.site("reconcile", "keepnet", config=False).status == 4
        return self.held()[0]

    def held(self) -> list[int]:
        """Return the numbers of the plans that wait."""
        holds = self.site("holds", "--json", config=False).document["holds"]
        return [hold["id"] for hold in holds if hold["status"] == "held"]


@pytest.fixture
def reader(site: Site) -> Reader:
    """Somebody with everything at hand."""
    return Reader(site)


WITH_COMMANDS = [page for page in PAGES if any(map(list, map(commands_of, shell_lines(page))))]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_commands_of_a_page_work(reader: Reader, page: Path) -> None:
    """Each ends with 0, or as the page says."""
    if page.name != "tutorial.md":
        reader.run(["reconcile"])
    for line in shell_lines(page):
        for words in commands_of(line):
            reader.type(words)


def test_pages_show_commands() -> None:
    """The tutorial and every how-to page among them."""
    names = {name_of(page) for page in WITH_COMMANDS}

    assert {"README.md", "docs/tutorial.md", "docs/migration.md", "docs/limits.md"} < names
    assert sum(bool(re.match("docs/how-to/", name)) for name in names) >= 6
