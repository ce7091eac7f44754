"""E-mail addresses as users write them. Source: handbook, platform 5. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["LONGEST_EMAIL", "cleaned_email", "email_problem"]

LONGEST_EMAIL: Final = 254
_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_FORM: Final = re.compile(r"[^@\s]+@[^@\s]+\.?[^@\s]*")


def cleaned_email(text: str) -> str:
    """Stripped, without invisible characters, with plain dashes; not lower-cased."""
    # What is cut off here is too long to be an address, and is refused as such.
    visible = "".join(char for char in text[: 4 * LONGEST_EMAIL] if unicodedata.category(char) not in ("Cf", "Cc"))
    return _DASHES.sub("-", visible).strip()


def email_problem(email: str) -> str | None:
    """The code of what is wrong with a cleaned address, or None."""
    if not email:
        return "value_is_mandatory"
    if len(email) > LONGEST_EMAIL:
        return "value_is_too_long"
    return None if _FORM.fullmatch(email) else "invalid_email_format"
