"""The same pages as plain typst: every word and figure already in its place, nothing read, nothing decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import typst

from domain.invoicing.document.present import Presented

__all__ = ["Bare", "markup"]

FONTS = Path(__file__).parents[2] / "infrastructure" / "pdf" / "fonts"
_HEAD = """
#set text(font: ("Inter", "Noto Sans CJK TC"), size: 9pt, lang: "en", number-width: "tabular")
#set page(paper: "a4", margin: (left: 20mm, right: 20mm, top: 18mm, bottom: 24mm),
  footer: context align(right, counter(page).display("1 / 1", both: true)))
"""


class Bare:
    """The typst library as it is: one compiler, as each thread of Tarn has one."""

    def __init__(self) -> None:
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
        self._main = Path(mkdtemp(prefix="tarn-bench-")) / "main.typ"
        self._compiler = typst.Compiler(root=self._main.parent, font_paths=fonts, ignore_system_fonts=True)

    def compile(self, text: str) -> bytes:
        """The PDF of some markup, tagged and with a fixed date as Tarn's."""
        self._main.write_text(text, encoding="utf-8")
        made = self._compiler.compile(input=self._main, format="pdf", timestamp=0, pdf_tags=True)
        assert isinstance(made, bytes)
        return made


def markup(shown: Presented) -> str:
    """The markup of a document with one section."""
    return "".join(_parts(shown))


def _parts(shown: Presented) -> Iterator[str]:
    yield f"#set document(title: {_text(shown['title'] + ' ' + shown['number'])}){_HEAD}"
    yield f"#text(size: 22pt)[= #{_text(shown['title'])}]\n#v(5mm)\n#grid(columns: (1fr, 1fr), column-gutter: 10mm, ["
    yield "#grid(columns: (auto, 1fr), column-gutter: 4mm, row-gutter: 2.2mm"
    yield "".join(f", {_text(name)}, {_text(value)}" for name, value in shown["facts"])
    yield ")], [" + " \\ ".join(f"#{_text(line)}" for line in shown["due"]) + "])\n#v(7mm)\n"
    yield "#grid(columns: (1fr, 1fr), column-gutter: 10mm"
    for party in shown["parties"]:
        yield (
            ", [" + " \\ ".join(f"#{_text(line)}" for line in (party["heading"], party["name"], *party["lines"])) + "]"
        )
    yield ")\n#v(7mm)\n"
    yield from _table(shown)
    yield "#v(4mm)\n#align(right, block(width: 80mm, breakable: false, table(columns: (1fr, auto), stroke: none"
    yield "".join(f", {_text(row['label'])}, {_text(row['amount'])}" for row in shown["totals"])
    yield f")))\n#{_text(shown['footer'])}\n"


def _table(shown: Presented) -> Iterator[str]:
    (section,) = shown["sections"]
    columns = shown["columns"]
    yield "#table(columns: (1fr, auto, auto, auto, auto), stroke: none, inset: (x: 3mm, y: 2.4mm)"
    for group in section["groups"]:
        heads = (group["period"], columns["units"], columns["unit_price"], columns["tax"], columns["amount"])
        yield ", table.header(" + ", ".join(map(_text, heads)) + ")"
        for row in group["rows"]:
            yield from (f", {_text(row[key])}" for key in ("label", "units", "unit_price", "tax", "amount"))
            yield ", table.hline()"
            for part in row["parts"]:
                cells = (part["label"], part["units"], part["unit_price"], "", part["amount"])
                yield from (f", table.cell(inset: (x: 3mm, y: 0.75mm), {_text(cell)})" for cell in cells)
    yield ")\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
