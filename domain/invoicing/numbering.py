"""How numbers of documents read (subscriptions handbook, section 5.5). Which number comes next is asked elsewhere."""

from datetime import date

MAX_PREFIX = 10


def default_document_number_prefix(name: str, id: str) -> str:
    """Of a billing entity: the first three letters of its name and the last four characters of its id: "ACM-1F2E"."""
    return f"{name[:3]}-{id[-4:]}".upper()


def is_document_number_prefix(prefix: str) -> bool:
    """1 to 10 characters."""
    return 1 <= len(prefix) <= MAX_PREFIX


def number_per_customer(prefix: str, customer_sequential_id: int, sequential_id: int) -> str:
    """`PREFIX-CCC-III`: the customer's number in the organization, the invoice's for the customer: "ACM-001-012"."""
    return f"{prefix.upper()}-{customer_sequential_id:03d}-{sequential_id:03d}"


def number_per_billing_entity(prefix: str, local_date: date, sequential_id: int) -> str:
    """`PREFIX-YYYYMM-III`: today in the billing entity's zone; the sequence is not reset by month. "ACM-202403-012"."""
    return f"{prefix.upper()}-{local_date:%Y%m}-{sequential_id:03d}"


def credit_note_number(invoice_number: str, sequential_id: int) -> str:
    """The invoice's number and the note's among the invoice's: "ACM-001-012-CN001"."""
    return f"{invoice_number}-CN{sequential_id:03d}"


def payment_receipt_number(customer_slug: str, sequential_id: int) -> str:
    """The customer's slug and the receipt's number among the customer's: "ACM-001-RCPT-000001"."""
    return f"{customer_slug}-RCPT-{sequential_id:06d}"
