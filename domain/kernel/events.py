"""Domain events: what happened. What follows from them stands in `tasks/reactions.py`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DomainEvent"]


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """A fact recorded by a command, inside its transaction. Subclasses carry ids, never rows.

    A subclass lives in the `events.py` of the context where it happens and is named in the past tense:
    `InvoiceFinalized(invoice_ids=(...))`. Batch commands record one event for all their rows.
    """
