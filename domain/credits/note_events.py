"""What happens to credit notes."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.events import DomainEvent

__all__ = ["CreditNoteDocumentGenerated", "CreditNotesIssued"]


@dataclass(frozen=True, slots=True)
class CreditNotesIssued(DomainEvent):
    """Notes were made, or finalized with their invoices. Webhook credit_note.created for each, then their documents."""

    credit_note_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CreditNoteDocumentGenerated(DomainEvent):
    """The PDFs of notes are stored. Webhook credit_note.generated for each."""

    credit_note_ids: tuple[UUID, ...]
