"""The daily job that removes old webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from domain.kernel import clock
from domain.kernel.retention import cleaning
from domain.messaging.models import Webhook

__all__ = ["KEPT", "clean_webhooks"]

KEPT: Final = timedelta(days=90)
"""From the last time that one was touched."""

clean_webhooks = cleaning(Webhook, "updated_at", KEPT, lambda: clock.now())
