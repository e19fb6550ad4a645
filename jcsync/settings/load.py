"""Find the file, read all sources, check everything, report all problems at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from jcsync.model.text import did_you_mean
from jcsync.settings.addresses import expand_store_url
from jcsync.settings.checks import check_tree, is_misplaced
from jcsync.settings.document import Document, UnreadableDocumentError, parse_document
from jcsync.settings.environment import CONFIG, Variables, has_connections, read_variables
from jcsync.settings.fields import SecretUrl
from jcsync.settings.keys import variable_name
from jcsync.settings.messages import translate
from jcsync.settings.models import SOURCES, Settings
from jcsync.settings.problems import KeyPath, Problem, SettingsProblemsError, dotted
from jcsync.settings.sources import EnvironmentSource, FileSource, SecretFileSource, mapping

PLACES: Final = ("config/jcsync.yaml", "/etc/jcsync/jcsync.yaml")
"""Where the file is looked for, the first one counts."""

ENVIRONMENT: Final = "the environment"
_MAX_BYTES: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Settings that were read and found right.

    Attributes:
        warnings: What works and should still be changed.
        source: The file, absolute; ``None`` when everything came from the environment.
        origins: ``line N``, ``env NAME`` or ``file PATH`` by dotted path, of everything that is
            set; all else is ``default``.
        label: The source as the operator knows it.
    """

    settings: Settings
    warnings: tuple[str, ...] = ()
    source: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    label: str = ENVIRONMENT


def load_settings(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Loaded:
    """Return the settings of a file and the environment.

    Args:
        path: Given on the command line, or ``None`` to look at ``$JCSYNC_CONFIG`` and then at
            :data:`PLACES`.
        environ: Every variable of the process.
        cwd: Working directory, from which relative paths count.

    Raises:
        SettingsProblemsError: With everything that is wrong.
    """
    source = find_file(path, environ, cwd)
    label = _label(source, cwd)
    document = _read_document(source, label) if source else Document()
    connections = mapping(document.tree.get("connections"))
    variables = read_variables(environ, connections)
    files = SecretFileSource(source.parent if source else cwd, cwd, variables)
    settings, findings = _validate(document, variables, files, environ, cwd)
    places = _Places(document=document, variables=variables)
    findings = {path: text for path, text in findings.items() if path not in document.lost}
    problems = [*document.problems, *variables.problems, *places.problems(findings)]
    if problems or settings is None:
        raise SettingsProblemsError(label, _unconfused(problems, connections, variables))
    return Loaded(
        settings=_expanded(settings, files, environ, cwd),
        warnings=tuple(files.warnings),
        source=source,
        origins=_origins(document, variables, files),
        label=label,
    )


def connection_names(path: Path | None, environ: Mapping[str, str], cwd: Path) -> tuple[str, ...]:
    """Return what the connections are called, in their order, whatever is wrong with them.

    Args:
        path: As for :func:`load_settings`.
        environ: Every variable of the process.
        cwd: Working directory.

    Raises:
        SettingsProblemsError: There are no settings, or the file cannot be read.
    """
    source = find_file(path, environ, cwd)
    document = _read_document(source, _label(source, cwd)) if source else Document()
    in_file = mapping(document.tree.get("connections"))
    variables = read_variables(environ, in_file)
    return tuple(dict.fromkeys([*in_file, *mapping(variables.tree.get("connections"))]))


def find_file(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the settings file, ``None`` when the environment alone has connections.

    Raises:
        SettingsProblemsError: The file that was asked for does not exist, or there is none.
    """
    asked, by = path, "--config"
    if asked is None and environ.get(CONFIG):
        asked, by = Path(environ[CONFIG]), CONFIG
    if asked is not None:
        if not _exists(cwd / asked):
            _refuse(str(asked), by, "there is no such file")
        return (cwd / asked).absolute()
    found = next((cwd / place for place in PLACES if _exists(cwd / place)), None)
    if found is None and not has_connections(environ):
        _refuse(
            ENVIRONMENT,
            "",
            f"no settings found: neither {' nor '.join(PLACES)} exists and no "
            f"{variable_name(('connections',))}__… is set; jcsync init writes "
            "a configuration, jcsync demo needs none",
        )
    return found.absolute() if found else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _refuse(source: str, path: str, message: str) -> None:
    raise SettingsProblemsError(source, [Problem(line=None, path=path, message=message)])


def _label(source: Path | None, cwd: Path) -> str:
    """Name the source: a file near the working directory from there, others by the whole path."""
    if source is None:
        return ENVIRONMENT
    base = cwd.absolute()
    near = source.is_relative_to(base) and base != Path(base.anchor)
    return str(source.relative_to(base) if near else source)


def _read_document(source: Path, label: str) -> Document:
    try:
        return parse_document(_read_text(source))
    except UnreadableDocumentError as error:
        raise SettingsProblemsError(label, [error.problem]) from error


def _read_text(source: Path) -> str:
    try:
        with source.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror or 'input/output error'}"
        raise UnreadableDocumentError(message) from error
    if len(content) > _MAX_BYTES:
        message = "larger than 10 MB: not a settings file"
        raise UnreadableDocumentError(message)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = "must be UTF-8 text"
        raise UnreadableDocumentError(message, line) from error


def _validate(
    document: Document,
    variables: Variables,
    files: SecretFileSource,
    environ: Mapping[str, str],
    cwd: Path,
) -> tuple[Settings | None, dict[KeyPath, str]]:
    """Return the settings, if they can be built, and one message for each path with a problem."""
    token = SOURCES.set((EnvironmentSource(variables), FileSource(document), files))
    settings, wrong = None, []
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = [translate(e) for e in error.errors(include_url=False)]
    finally:
        SOURCES.reset(token)
    misplaced = {
        ("connections", name)
        for name, value in mapping(files.merged.get("connections")).items()
        if is_misplaced(str(name), value)
    }
    findings: dict[KeyPath, str] = {}
    for path, message in (*files.failures.items(), *wrong):
        if path[:2] not in misplaced:
            findings.setdefault(path, message)
    for path, message in check_tree(files.merged, environ, cwd):
        if not any(path[: len(known)] == known for known in findings):
            findings[path] = message
    return settings, findings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where each value came from."""

    document: Document
    variables: Variables

    def problems(self, findings: Mapping[KeyPath, str]) -> Iterator[Problem]:
        """Yield a problem for each finding, at the place of its value."""
        for path, message in findings.items():
            yield self._problem(path, message)

    def _problem(self, path: KeyPath, message: str) -> Problem:
        if message.startswith("missing:"):
            return Problem(line=None, path=dotted(path), message=message)
        known = self._known(path)
        if known in self.variables.names:
            name = self.variables.names[known]
            below = self._below(name, known)
            return Problem(line=None, path=f"{name}: {below}" if below else name, message=message)
        return Problem(line=self.document.lines.get(known), path=dotted(known), message=message)

    def _known(self, path: KeyPath) -> KeyPath:
        """Return the longest part of a path that somebody wrote: short forms have no key."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            if part in self.variables.names or part in self.document.lines:
                return part
        return path

    def _below(self, name: str, path: KeyPath) -> str:
        """Return where in the value of a variable something is."""
        start = min(len(p) for p, n in self.variables.names.items() if n == name)
        return dotted(path[start:])


def _unconfused(
    problems: Iterable[Problem], connections: Mapping[str, Any], variables: Variables
) -> Iterator[Problem]:
    """Replace all problems of a connection whose name was mistyped in a variable by that one."""
    named = mapping(variables.tree.get("connections"))
    guesses = {
        name: hint
        for name in named
        if name not in connections and (hint := did_you_mean(name, connections))
    }
    told: set[str] = set()
    for problem in problems:
        name = next((n for n in guesses if problem.path.startswith(f"connections.{n}.")), None)
        if name is None:
            yield problem
        elif name not in told:
            told.add(name)
            variable = next(v for p, v in variables.names.items() if p[:2] == ("connections", name))
            message = f"no connection {name} in the file{guesses[name]}"
            yield Problem(line=None, path=variable, message=message)


def _expanded(
    settings: Settings, files: SecretFileSource, environ: Mapping[str, str], cwd: Path
) -> Settings:
    """Return the settings with absolute places: the working directory may be another one later."""
    url = expand_store_url(settings.store.url.get_secret_value(), environ, cwd)
    store = settings.store.model_copy(update={"url": SecretUrl(url)})
    connections = dict(settings.connections)
    for name, file in files.authorities.items():
        provider = connections[name].provider.model_copy(update={"ca_file": str(file)})
        connections[name] = connections[name].model_copy(update={"provider": provider})
    return settings.model_copy(update={"store": store, "connections": connections})


def _origins(document: Document, variables: Variables, files: SecretFileSource) -> dict[str, str]:
    places = {
        path: f"line {line}" for path, line in document.lines.items() if _is_set(files.merged, path)
    }
    places |= {path: f"env {name}" for path, name in variables.names.items()}
    places |= {path: f"file {file}" for path, file in files.files.items()}
    return {dotted(path): place for path, place in places.items()}


def _is_set(tree: object, path: KeyPath) -> bool:
    """Tell whether a value of the file is still there: the environment may have replaced it."""
    for part in path:
        inside = dict(enumerate(tree)) if isinstance(tree, list) else mapping(tree)
        if part not in inside:
            return False
        tree = inside[part]
    return True
