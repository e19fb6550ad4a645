"""Hooks of MkDocs: what lies beside ``docs/`` belongs to the site, too."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BESIDE = ("CHANGELOG.md", "SECURITY.md", "config/*.example.*", "deploy/**/*.*")
CONTENTS = re.compile(r"^1\. \[[^\n]*\]\(#.*?\n\n", re.MULTILINE | re.DOTALL)
CODE_IN_TABLE = re.compile(r"(?<=[| ])`[^`\n]*\\\|[^`\n]*`")
LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files that the documents link to."""
    for path in sorted(path for pattern in BESIDE for path in ROOT.glob(pattern)):
        if "secrets" in path.parts:
            continue
        name = path.relative_to(ROOT).as_posix()
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turn links of the repository into links of the site, where ``docs/`` is the top."""
    source = page.file.src_uri
    at = source if (ROOT / source).exists() else f"docs/{source}"

    def moved(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(at), found[2]))
        target = target.removeprefix("docs/")
        return found[1] + posixpath.relpath(target, posixpath.dirname(source) or ".")

    markdown = CODE_IN_TABLE.sub(lambda found: found[0].replace("\\|", "|"), markdown)
    # The site has a table of contents beside each page.
    return LINK.sub(moved, CONTENTS.sub("", markdown, count=1))
