"""Renders a typst template with data into a PDF that is the same, byte for byte, whenever and wherever it is made.

A template reads its data with `json(bytes(sys.inputs.data))`; strings in it are text to typst, never code. Files given
along (a logo) are found by the template under their names. Each thread keeps one compiler, whose cache makes the next
document of the same template cheap, and one folder outside of which a template or an SVG inside it can read nothing.
Fonts come from this package alone: a missing glyph shows in tests here as it would anywhere.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import typst

__all__ = ["RenderingError", "close", "render", "render_pages"]

FONTS = Path(__file__).parent / "fonts"
MAX_DATA_BYTES = 20_000_000
MAX_ATTEMPTS = 4
BOX = "\u25a1"
"""In the place of a character that no font here knows."""
_ESCAPE_OR_DELETE = re.compile(r"\\u00[01][0-9a-f]|\\.|\x7f")
_WITHOUT_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9]+)?")

# Rendering burns a core; more threads than cores only add memory and waiting.
_threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="pdf")
_local = threading.local()
_folders: list[TemporaryDirectory[str]] = []


class RenderingError(Exception):
    """The template does not compile with this data; the message is typst's, with the place in the template."""


class _Workshop:
    """One thread's compiler and folder."""

    def __init__(self) -> None:
        folder = TemporaryDirectory(prefix="tarn-pdf-")
        _folders.append(folder)  # removed when the process ends, or by `close`
        self.root = Path(folder.name)
        self.compiler = typst.Compiler(root=self.root, font_paths=_fonts(), ignore_system_fonts=True)

    @contextmanager
    def laid_out(self, template: str, files: Mapping[str, bytes]) -> Iterator[Path]:
        # Systems clear old files out of the temporary folder, under a worker that has been running for weeks too.
        self.root.mkdir(mode=0o700, exist_ok=True)
        main = self.root / "main.typ"
        main.write_text(template, encoding="utf-8")
        paths = [self.root / name for name in files]
        try:
            for path, content in zip(paths, files.values(), strict=True):
                path.write_bytes(content)
            yield main
        finally:
            for path in paths:
                path.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


def close() -> None:
    """Removes what rendering left on the disk; for a process that ends without the interpreter's own ending. A document
    that is made afterwards makes its folder anew."""
    while _folders:
        _folders.pop().cleanup()


async def render(
    template: str,
    data: Mapping[str, Any],
    *,
    files: Mapping[str, bytes] | None = None,
    timestamp: int = 0,
    archivable: bool = False,
) -> bytes:
    """The PDF of a template's text with JSON data, tagged for accessibility.

    `files`: plain names to contents; `timestamp`: the document's creation date in seconds since 1970 (part of the
    bytes: pass a date of the document, not the moment of rendering); `archivable`: as PDF/A-3, to which files may be
    attached. Raises RenderingError; ValueError for data above 20 MB or a file name with a path in it.
    """
    pages = await _in_thread(template, data, files or {}, timestamp, ["a-3b"] if archivable else [], "pdf")
    return pages[0]


async def render_pages(
    template: str, data: Mapping[str, Any], *, files: Mapping[str, bytes] | None = None
) -> list[bytes]:
    """The same document as PNG pictures, one a page, for previews. Raises as `render`."""
    return await _in_thread(template, data, files or {}, 0, [], "png")


async def _in_thread(
    template: str,
    data: Mapping[str, Any],
    files: Mapping[str, bytes],
    timestamp: int,
    standards: list[typst.PDFStandard],
    form: typst.OutputFormat,
) -> list[bytes]:
    for name in files:
        if not _FILE_NAME.fullmatch(name) or name == "main.typ":
            raise ValueError(f"not a plain file name: {name[:80]!r}")
    text = _ESCAPE_OR_DELETE.sub(_without_control, orjson.dumps(data).decode())
    if len(text) > MAX_DATA_BYTES:
        raise ValueError(f"a document's data has at most {MAX_DATA_BYTES} characters")
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _compile, template, text, files, timestamp, standards, form)


def _compile(
    template: str,
    data: str,
    files: Mapping[str, bytes],
    timestamp: int,
    standards: list[typst.PDFStandard],
    form: typst.OutputFormat,
) -> list[bytes]:
    workshop: _Workshop | None = getattr(_local, "workshop", None)
    if workshop is None:
        workshop = _local.workshop = _Workshop()
    with workshop.laid_out(template, files) as main:
        for attempt in range(MAX_ATTEMPTS):
            try:
                made = workshop.compiler.compile(
                    input=main,
                    format=form,
                    ppi=110,
                    sys_inputs={"data": data},
                    timestamp=timestamp,
                    pdf_standards=standards,
                    pdf_tags=True,
                )
                break
            except typst.TypstError as error:
                said = f"{error.message}\n{error.diagnostic}"
                unknown = _characters_without_glyph(said)
                if not unknown or attempt == MAX_ATTEMPTS - 1:
                    raise RenderingError(said) from error
                # Archives take no character that cannot be printed. The document matters more than the character.
                data = _boxed(data, unknown)
    if made is None:
        raise RenderingError("typst made no document")
    return made if isinstance(made, list) else [made]


def _without_control(escape: re.Match[str]) -> str:
    """JSON's escape, or nothing for a control character, which has no place on paper."""
    return "" if escape[0] in ("\\b", "\\f", "\\r", "\x7f") or escape[0].startswith("\\u00") else escape[0]


def _characters_without_glyph(said: str) -> set[str]:
    """Those that typst complains of, one by one."""
    found = _WITHOUT_GLYPH.findall(said)
    return set("".join(_ESCAPED.sub(lambda code: chr(int(code[1], 16)), text) for text in found))


def _boxed(data: str, characters: set[str]) -> str:
    """JSON with boxes instead of these characters in its strings; its own syntax, which is ASCII, is left alone."""
    return data.translate({ord(each): BOX for each in characters if ord(each) > 127})
