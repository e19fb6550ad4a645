"""Install the packages of the scimmy servers outside the source tree and print their folders.

Run by ``make test`` while the network is still there, and again by the fixture, for which it is
then a look at a folder. There is one for Express 4 and one for Express 5; its name
comes from the lock file, so that a changed pin installs afresh, and it appears complete or not at
all: two test processes may install at the same time.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
EXPRESS = ("express4", "express5")
CACHE = SOURCE.parents[2] / ".cache" / "interop"


class NodeMissingError(Exception):
    """Node.js or npm is not on the PATH; nothing was installed."""


def install(express: str) -> Path:
    """Return the folder with ``server.mjs`` and its packages, installed when it is absent.

    Args:
        express: ``express4`` or ``express5``.

    Raises:
        NodeMissingError: There is no ``node`` or no ``npm``.
        subprocess.CalledProcessError: npm failed; its own words are on stderr.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        message = "node and npm are not installed (Debian: apt-get install nodejs npm)"
        raise NodeMissingError(message)
    files = [SOURCE / express / name for name in ("package.json", "package-lock.json")]
    files.append(SOURCE / "server.mjs")
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    folder = CACHE / f"scimmy-{express}-{digest[:12]}"
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
        for express in sys.argv[1:] or EXPRESS:
            sys.stdout.write(f"{install(express)}\n")
    except NodeMissingError as error:
        sys.stderr.write(f"The interop tests with scimmy will be skipped: {error}\n")
