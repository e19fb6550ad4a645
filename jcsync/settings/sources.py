"""Where settings come from, as sources of pydantic-settings, highest precedence first.

    EnvironmentSource    variables
    FileSource           the YAML file, without what the environment replaces
    SecretFileSource     the files that *_file keys name; certificates are only looked at

A mapping is merged key by key. A single attribute of ``users.attributes`` is replaced as a whole,
and of two keys that say the same in different ways (:data:`ALTERNATIVES`) the environment's wins.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from jcsync.settings.document import Document, written
from jcsync.settings.environment import Variables
from jcsync.settings.models import Settings
from jcsync.settings.problems import KeyPath
from jcsync.settings.secret_files import authorities_problem, permission_warning, read_secret

SECRET_FILES: Final = (
    ("directory", "api_key"),
    ("directory", "client_secret"),
    ("provider", "token"),
)
"""Section and key of each secret that ``KEY_file`` may hold in its place."""

ALTERNATIVES: Final = (
    *((section, key, f"{key}_file") for section, key in SECRET_FILES),
    ("schedule", "every", "cron"),
)
"""Section and two keys of a connection that exclude each other."""


_SECRET_LENGTH: Final = 20


class _Source(PydanticBaseSettingsSource):
    """A source that gives a whole tree at once."""

    def __init__(self) -> None:
        super().__init__(Settings)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not called: the tree is given as a whole."""
        raise NotImplementedError  # pragma: no cover


class EnvironmentSource(_Source):
    """Variables of the environment."""

    def __init__(self, variables: Variables) -> None:
        """Keep what was read."""
        super().__init__()
        self._variables = variables

    def __call__(self) -> dict[str, Any]:
        """Return all that the environment sets."""
        return _without_void_secrets(self._variables.tree)


class FileSource(_Source):
    """The settings file."""

    def __init__(self, document: Document) -> None:
        """Keep what was read."""
        super().__init__()
        self._document = document

    def __call__(self) -> dict[str, Any]:
        """Return all that the file sets, without what the environment replaces."""
        tree = _without_void_secrets(self._document.tree)
        above = mapping(self.current_state.get("connections"))
        if connections := mapping(tree.get("connections")):
            tree["connections"] = {
                name: _without_replaced(connection, mapping(above.get(name)))
                for name, connection in connections.items()
            }
        return tree


class SecretFileSource(_Source):
    """The files that hold secrets; read last, when it is known which ones count.

    Attributes:
        merged: Everything that the sources before this one set.
        files: File by path of the secret that it gave.
        authorities: File with certificates to trust, by the connection that names one.
        failures: Why a file gave none, by path of the key that names it.
        warnings: What the operator should know about the files.
    """

    def __init__(self, folder: Path, cwd: Path, variables: Variables) -> None:
        """Remember from where relative paths count: the file's folder, or the working directory."""
        super().__init__()
        self._folder = folder
        self._cwd = cwd
        self._variables = variables
        self.merged: dict[str, Any] = {}
        self.files: dict[KeyPath, str] = {}
        self.authorities: dict[str, Path] = {}
        self.failures: dict[KeyPath, str] = {}
        self.warnings: list[str] = []

    def __call__(self) -> dict[str, Any]:
        """Return the secrets."""
        self.merged = self.current_state
        for name in mapping(self.merged.get("connections")):
            self._look_at_authorities(name)
        tree: dict[str, Any] = {}
        for path, given, file in self._named_files():
            *above, key_file = path
            key = str(key_file).removesuffix("_file")
            unlike_a_path = _may_be_a_secret(given)
            try:
                secret = read_secret(file, name="the file" if unlike_a_path else None)
            except ValueError as error:
                hint = f"; the secret itself belongs to {key}, not to {key_file}"
                self.failures[path] = str(error) + (hint if unlike_a_path else "")
                continue
            if warning := permission_warning(file):
                self.warnings.append(warning)
            self.files[(*above, key)] = str(file)
            here = tree
            for part in above:
                here = here.setdefault(str(part), {})
            here[key] = secret
        return tree

    def _look_at_authorities(self, name: str) -> None:
        path = ("connections", name, "provider", "ca_file")
        if given := self._written(path):
            file = self.authorities[name] = self._place(path, given)
            if problem := authorities_problem(file):
                self.failures[path] = f"{file} {problem}"

    def _named_files(self) -> Iterator[tuple[KeyPath, str, Path]]:
        for name in mapping(self.merged.get("connections")):
            for section, key in SECRET_FILES:
                above: KeyPath = ("connections", name, section)
                path = (*above, f"{key}_file")
                file = self._written(path)
                if file and self._value((*above, key)) is None:
                    yield path, file, self._place(path, file)

    def _value(self, path: KeyPath) -> object:
        value: object = self.merged
        for part in path:
            value = mapping(value).get(part)
        return value

    def _written(self, path: KeyPath) -> str:
        """Return the name of a file as somebody wrote it, ``""`` where there is none."""
        name = written(self._value(path))
        return name if isinstance(name, str) and name.strip() else ""

    def _place(self, path: KeyPath, file: str) -> Path:
        """Return where a file is: a relative name counts from where it is written."""
        return (self._cwd if path in self._variables.names else self._folder) / file


def mapping(value: object) -> Mapping[Any, Any]:
    """Return a value that is a mapping, and an empty one in place of any other."""
    return value if isinstance(value, dict) else {}


def _may_be_a_secret(file: str) -> bool:
    """Tell whether somebody may have put the secret where its file belongs: then it is not shown."""
    return len(file) >= _SECRET_LENGTH and not file.startswith(("/", "./", "../", "~"))


def _without_void_secrets(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree without a blank ``KEY_file``, and without ``KEY: null`` beside another one.

    The first is a variable that nobody filled in; in the second the file's content is to count.
    """
    kept = dict(tree)
    if connections := mapping(tree.get("connections")):
        kept["connections"] = {
            name: _without_void(connection) for name, connection in connections.items()
        }
    return kept


def _without_void(connection: object) -> object:
    kept = dict(mapping(connection))
    for section, key in SECRET_FILES:
        values = mapping(kept.get(section))
        file = values.get(f"{key}_file")
        if isinstance(file, str) and not file.strip():
            kept[section] = {k: v for k, v in values.items() if k != f"{key}_file"}
        elif file is not None and values.get(key) is None:
            kept[section] = {k: v for k, v in values.items() if k != key}
    return kept if isinstance(connection, dict) else connection


def _without_replaced(connection: object, above: Mapping[str, Any]) -> object:
    """Return a connection of the file without keys whose alternative is set above it."""
    if not isinstance(connection, dict) or not above:
        return connection
    kept = dict(connection)
    for section, *keys in ALTERNATIVES:
        set_above = [key for key in keys if key in mapping(above.get(section))]
        if set_above and isinstance(kept.get(section), dict):
            kept[section] = {k: v for k, v in kept[section].items() if k not in keys}
    users, replaced = kept.get("users"), mapping(above.get("users")).get("attributes")
    if isinstance(users, dict) and isinstance(users.get("attributes"), dict):
        names = {str(name).casefold() for name in mapping(replaced)}
        attributes = {k: v for k, v in users["attributes"].items() if k.casefold() not in names}
        kept["users"] = {**users, "attributes": attributes}
    return kept
