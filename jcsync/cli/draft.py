"""A configuration that is being asked for: tried before it is written, written whole or not at all."""

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from jcsync.errors import UsageError

if TYPE_CHECKING:
    from jcsync.pipeline import Connection

_NOWHERE = "https://platform.invalid"
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


@dataclass(slots=True, kw_only=True)
class Draft:
    """The answers so far; what is not answered yet is ``""``.

    Attributes:
        name: Of the connection.
        region: Of JumpCloud.
        jumpcloud_url: In place of the host of the region, or ``""``.
        api_key: The key itself.
        api_key_file: A file that holds it and stays where it is, or ``None``.
        org_id: Where the key sees several organisations.
        organization: Its name, for a comment.
        groups: Names, or ids of groups whose name is not unique.
        profile: Of the platform.
        url: Of the platform.
        token: The bearer token itself.
        token_file: A file that holds it and stays where it is, or ``None``.
    """

    name: str
    region: str = "us"
    jumpcloud_url: str = ""
    api_key: str = ""
    api_key_file: Path | None = None
    org_id: str = ""
    organization: str = ""
    groups: tuple[str, ...] = ()
    profile: str = "rfc"
    url: str = ""
    token: str = ""
    token_file: Path | None = None

    def secrets(self) -> dict[str, str]:
        """Return the secrets that get a file of their own, by its name."""
        found = {}
        if self.api_key_file is None and self.api_key:
            found[f"{self.name}.api-key"] = self.api_key
        if self.token_file is None and self.token:
            found[f"{self.name}.token"] = self.token
        return found

    def render(self) -> str:
        """Return the configuration as commented YAML."""
        organization = ""
        if self.org_id:
            named = f"  # {_comment(self.organization)}" if self.organization else ""
            organization = f"      org_id: {_scalar(self.org_id)}{named}\n"
        address = f"      base_url: {_scalar(self.jumpcloud_url)}\n" if self.jumpcloud_url else ""
        groups = "".join(f"        - {_scalar(group)}\n" for group in self.groups or ("-",))
        key = str(self.api_key_file or f"{self.name}.api-key")
        token = str(self.token_file or f"{self.name}.token")
        return _TEXT.format(
            name=self.name,
            region=self.region,
            address=address,
            organization=organization,
            key=_scalar(key),
            groups=groups,
            url=_scalar(self.url or _NOWHERE),
            token=_scalar(token),
            profile=self.profile,
        )

    @contextmanager
    def trial(self) -> Iterator["Connection"]:
        """Wire the connection as it would be with these answers, in a folder that goes away.

        Raises:
            SettingsError: An answer cannot be a setting.
        """
        from jcsync.settings import load_settings  # noqa: PLC0415 - not for the help
        from jcsync.wiring import QUICK, build_store, wired  # noqa: PLC0415

        with tempfile.TemporaryDirectory(prefix="jcsync-init-") as folder:
            place = Path(folder) / "jcsync.yaml"
            whole = f"store:\n  url: sqlite:///{folder}/trial.db\n{self.render()}"
            secrets = {f"{self.name}.api-key": "-", f"{self.name}.token": "-"} | self.secrets()
            for name, secret in secrets.items():
                _write_new(place.with_name(name), secret)
            _write_new(place, whole)
            loaded = load_settings(place, {}, place.parent)
            # Nobody has seen this folder: no message speaks of a file in it.
            origins = {path: o for path, o in loaded.origins.items() if folder not in o}
            loaded = replace(loaded, origins=origins)
            with (
                build_store(loaded) as store,
                wired(
                    loaded, self.name, store, read_only=True, stop=threading.Event(), retry=QUICK
                ) as connection,
            ):
                yield connection

    def write(self, place: Path) -> list[Path]:
        """Write the secrets beside the configuration, and the configuration last.

        Nothing is there before everything is: an interrupt waits for the few renames.

        Returns:
            The files, the configuration last.

        Raises:
            UsageError: One of them cannot be written.
        """
        files = {place.with_name(name): f"{secret}\n" for name, secret in self.secrets().items()}
        files[place] = self.render()
        parts = {path: path.with_name(f".{path.name}.part") for path in files}
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            for path, part in parts.items():
                part.unlink(missing_ok=True)
                _write_new(part, files[path])
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
            try:
                for path, part in parts.items():
                    part.replace(path)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        except OSError as error:
            message = f"{error.filename or place} cannot be written: {error.strerror}"
            raise UsageError(message) from error
        finally:
            for part in parts.values():
                with suppress(OSError):
                    part.unlink()
        return list(files)


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _scalar(text: str) -> str:
    """Return a text as one line of YAML, quoted where it would mean something else."""
    return yaml.safe_dump(text, allow_unicode=True, width=10_000).removesuffix("...\n").strip()


def _comment(text: str) -> str:
    return " ".join(text.split())


_TEXT = """\
# Written by "jcsync init". Every setting with its default: config/jcsync.example.yaml and
# docs/configuration.md; "jcsync config validate" finds mistakes, "jcsync config show" shows what counts.

connections:
  {name}:
    directory:                     # JumpCloud; read, never written
      region: {region}                   # us | eu | in
{address}{organization}      api_key_file: {key}  # beside this file; keep it to yourself
    scope:
      groups:                      # whose members are provisioned: names or ids
{groups}    provider:                      # the platform
      base_url: {url}
      token_file: {token}
      profile: {profile}
#    groups:
#      enabled: true               # mirror the groups and their members too
#    policy:
#      on_leave: deactivate        # or keep, delete: who left the groups
#      protect: []                 # userNames that are never deactivated, deleted or patched
#    limits:                       # a plan beyond one of them waits for "jcsync approve"
#      deactivate: {{count: 50, percent: 10}}
#    schedule:
#      every: 5m                   # of "jcsync run", the daemon
"""
