"""The name of an organization in addresses: `acme-corp`. Source: handbook, platform 6. Pure."""

from __future__ import annotations

import random
import re
import string
import unicodedata
from typing import Final

__all__ = ["LONGEST_SLUG", "SHORTEST_SLUG", "parameterized", "slug_problem", "slug_with_tail", "suggested_slug"]

SHORTEST_SLUG: Final = 3
LONGEST_SLUG: Final = 40
# The first parts of the dashboard's own addresses.
_ROUTES: Final = (
    "auth login sign-up forgot-password reset-password invitation customer-portal 404 forbidden api admin graphql "
    "webhooks google okta entra settings new design-system devtool customers customer plans plan invoices invoice "
    "subscriptions coupons coupon add-ons add-on billable-metrics billable-metric credit-notes analytics "
    "analytics-v2 forecasts payments payment features feature tax webhook api-keys create update duplicate"
)
RESERVED: Final = frozenset(_ROUTES.split())
_FORM: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LETTERS: Final = string.ascii_lowercase + string.digits
_tails = random.SystemRandom()


def parameterized(name: str, separator: str = "-") -> str:
    """A name in lower-case ASCII letters and digits: `Crème & Co` is `creme-co`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", separator, plain).strip(separator)


def _tail(length: int) -> str:
    return "".join(_tails.choices(_LETTERS, k=length))


def suggested_slug(name: str) -> str:
    """A slug made from a name; `org-` and five random letters where the name yields none that is allowed."""
    slug = parameterized(name)[:LONGEST_SLUG].strip("-")
    return slug if slug_problem(slug) is None and not slug.isdigit() else f"org-{_tail(5)}"


def slug_with_tail(slug: str, length: int = 3) -> str:
    """A slug beside one that is taken."""
    return f"{slug[: LONGEST_SLUG - 1 - length].rstrip('-')}-{_tail(length)}"


def slug_problem(slug: str) -> str | None:
    """The code of what is wrong with a slug, or None."""
    if len(slug) < SHORTEST_SLUG:
        return "value_is_too_short"
    if len(slug) > LONGEST_SLUG:
        return "value_is_too_long"
    if not _FORM.fullmatch(slug):
        return "value_is_invalid"
    return "value_is_reserved" if slug in RESERVED else None
