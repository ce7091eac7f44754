"""What may become of an invoice. Pure. Source: subscriptions handbook, section 5.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["NEXT", "VISIBLE", "may_become"]

VISIBLE: Final = ("draft", "finalized", "voided", "failed", "pending")
"""The statuses that clients see; the others are as if they did not exist."""

NEXT: Final[Mapping[str, frozenset[str]]] = {
    "generating": frozenset({"draft", "open", "pending", "finalized", "closed"}),
    "open": frozenset({"finalized", "closed", "pending"}),
    "draft": frozenset({"finalized", "closed", "pending", "deleted"}),
    "pending": frozenset({"finalized", "closed", "failed"}),
    "failed": frozenset({"pending", "finalized", "closed"}),
    "finalized": frozenset({"voided"}),
    "voided": frozenset(),
    "closed": frozenset(),
    "deleted": frozenset(),
}
"""The statuses that may follow each status. What has a number keeps it for good."""


def may_become(status: str, wanted: str) -> bool:
    """Whether an invoice may go from one status to the other."""
    return wanted in NEXT[status]
