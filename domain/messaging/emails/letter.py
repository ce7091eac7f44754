"""What a mail says and how it looks, from plain values. Pure: no rows, no clock, no settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.invoicing.document.labels import LOCALES, Labels

__all__ = ["Letter", "Row", "rendered", "words_of"]

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """A name and a value beside each other; `link` opens what the value names."""

    name: str
    value: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in one language: the heading and the amount it is about, a sentence if there is one, rows, and a link to
    the document or to the page where it is paid."""

    locale: str
    subject: str
    heading: str
    amount: str
    rows: Sequence[Row]
    closing: str
    text: str = ""
    link: str | None = None
    link_text: str = ""


def rendered(letter: Letter) -> tuple[str, str]:
    """The mail as text and as HTML, in which every value is escaped."""
    environment = _environment()
    text = environment.get_template("letter.txt.j2").render(letter=letter)
    return text, environment.get_template("letter.html.j2").render(letter=letter)


@lru_cache(maxsize=len(LOCALES))
def words_of(locale: str) -> Labels:
    """The words of mails in a document locale. Raises ValueError for one that documents do not speak."""
    if locale not in LOCALES:
        raise ValueError(f"no document locale: {locale!r}")
    texts: dict[str, dict[str, str]] = json.loads((_HERE / "words.json").read_text("utf-8"))
    return Labels({name: by_locale[locale] for name, by_locale in texts.items()})


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
