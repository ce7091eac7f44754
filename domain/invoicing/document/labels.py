"""The words on a document, by locale. They stand in labels.json: one label a line, its locales beside each other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

__all__ = ["LOCALES", "Labels", "labels_for"]

LOCALES = ("en", "fr", "de", "it", "es", "nb", "sv", "pt-BR", "zh-TW")
_PLACE = re.compile(r"\{(\w+)\}")


class Labels:
    """The labels of one locale: `labels("due_on", date="30 avr. 2026")`. Raises KeyError for a label unknown."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __call__(self, label: str, /, **values: str) -> str:
        # Filled in one pass: values come from customers and may hold braces of their own.
        return _PLACE.sub(lambda place: values[place[1]], self._texts[label])


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("labels.json").read_text("utf-8"))
    return texts


@lru_cache(maxsize=len(LOCALES))
def labels_for(locale: str) -> Labels:
    """The labels of a document locale. Raises ValueError for one that documents do not speak."""
    if locale not in LOCALES:
        raise ValueError(f"no document locale: {locale!r}")
    return Labels({name: by_locale[locale] for name, by_locale in _texts().items()})
