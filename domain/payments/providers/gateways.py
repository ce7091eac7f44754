"""Which adapter speaks for which type of provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from domain.payments.providers.gateway import Connection, Gateway
from domain.payments.stripe.gateway import StripeGateway

__all__ = ["gateway_of"]

_ADAPTERS: Final[Mapping[str, Callable[[Connection], Gateway]]] = {"stripe": StripeGateway}


def gateway_of(connection: Connection) -> Gateway:
    """The adapter of a connection's type, bound to it."""
    return _ADAPTERS[connection.provider_type](connection)
