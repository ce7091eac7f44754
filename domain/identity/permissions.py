"""What members may do: 130 permissions, and which of them the predefined roles hold.

Source: handbook, platform 3. Predefined roles are matched by their code; a custom role brings its own list, whatever it
is called. A permission reads `resource:action`, e.g. `organization:members:view`.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FINANCE", "MANAGER", "PERMISSIONS", "PREDEFINED", "granted"]

# Each action; `/F` means finance has it, `/M` manager. Admin has all.
_TABLE: Final = {
    "addons": "view/FM create update delete",
    "ai_conversations": "view create",
    "audit_logs": "view",
    "authentication_methods": "view update",
    "analytics": "view/F",
    "billable_metrics": "view create update delete",
    "billing_entities": "view/FM create/F update/F delete/F",
    "charges": "create update delete",
    "coupons": "view/FM create update delete attach/M detach/M",
    "credit_notes": "view/FM create/FM update/FM void/FM export/FM send/FM",
    "customers": "view/FM create/M update/M delete/M",
    "data_api": "view/F",
    "developers": "manage",
    "developers:keys": "manage",
    "dunning_campaigns": "view/FM create/F update/F delete/F",
    "features": "view create update delete",
    "invoices": "view/FM send/FM create/FM update/FM void/FM delete export/FM",
    "invoice_custom_sections": "view/F create/F update/F delete/F",
    "quotes": "view/FM create/M update/M approve/M clone/M void/M",
    "order_forms": "view/FM sign/M void/M",
    "orders": "view/FM update/M execute/M",
    "organization": "view/F update/F",
    "organization:invoices": "view/F update/F",
    "organization:taxes": "view update",
    "organization:emails": "view update",
    "organization:integrations": "view/F create/F update/F delete/F",
    "organization:members": "view create update delete",
    "payments": "view/FM create/FM",
    "payment_methods": "view create update delete",
    "payment_receipts": "view/FM send/FM",
    "plans": "view/FM create update delete",
    "pricing_units": "view/F create update",
    "product_filters": "view create update delete",
    "products": "view create update delete",
    "product_categories": "view create update delete",
    "rate_cards": "view create update delete",
    "roles": "view create update delete",
    "security_logs": "view",
    "subscriptions": "view/FM create/M update/M",
    "wallets": "create/M update/M top_up/M terminate/M",
}


def _permissions(holder: str = "") -> tuple[str, ...]:
    return tuple(
        f"{resource}:{action.partition('/')[0]}"
        for resource, actions in _TABLE.items()
        for action in actions.split()
        if holder in action.partition("/")[2]
    )


PERMISSIONS: Final = _permissions()
FINANCE: Final = frozenset(_permissions("F"))
MANAGER: Final = frozenset(_permissions("M"))

PREDEFINED: Final = {"admin": frozenset(PERMISSIONS), "finance": FINANCE, "manager": MANAGER}


def granted(code: str, predefined: bool, own: list[str]) -> frozenset[str]:
    """The permissions of one role: a predefined one's from the table, a custom one's as stored."""
    return PREDEFINED.get(code, frozenset()) if predefined else frozenset(own) & PREDEFINED["admin"]
