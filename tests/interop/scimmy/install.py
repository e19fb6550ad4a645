"""Install the packages of the scimmy server outside the source tree and print the folder.

Run by ``make test`` while the network is still there, and again by the fixture, for which it is
then a look at one folder. The folder is named after the lock file, so that a changed pin installs
afresh, and appears complete or not at all: two test processes may install at the same time.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
CACHE = SOURCE.parents[2] / ".cache" / "interop"


class NodeMissingError(Exception):
    """Node.js or npm is not on the PATH; nothing was installed."""


def install() -> Path:
    """Return the folder with ``server.mjs`` and its packages, installed when it is absent.

    Raises:
        NodeMissingError: There is no ``node`` or no ``npm``.
        subprocess.CalledProcessError: npm failed; its own words are on stderr.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        message = "node and npm are not installed (Debian: apt-get install nodejs npm)"
        raise NodeMissingError(message)
    files = [SOURCE / name for name in ("package.json", "package-lock.json", "server.mjs")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = CACHE / f"scimmy-{digest[:12]}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / ".gitignore").write_text("*\n", encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        half = Path(scratch) / "half"
        half.mkdir()
        for file in files:
            shutil.copy(file, half)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, "ci", *options], cwd=half, check=True, stdout=subprocess.DEVNULL)
        try:
            half.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    return folder


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{install()}\n")
    except NodeMissingError as error:
        sys.stderr.write(f"The interop tests with scimmy will be skipped: {error}\n")
