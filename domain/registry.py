"""All tables in one place, for migrations and the tests that compare them with the database."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlmodel import SQLModel

import domain.catalog.entitlements.models
import domain.catalog.models
import domain.credits.models
import domain.credits.note_models
import domain.credits.wallets.models
import domain.customers.models
import domain.identity.models
import domain.identity.security.models
import domain.identity.team.models
import domain.insight.api_logs.models
import domain.insight.exports.models
import domain.insight.models
import domain.invoicing.models
import domain.kernel.clock_ticks
import domain.kernel.idempotency
import domain.kernel.jobs
import domain.messaging.models
import domain.metering.models
import domain.payments.models
import domain.payments.providers.models
import domain.payments.providers.news_models
import domain.subscriptions.models  # noqa: F401

__all__ = ["metadata"]

metadata: MetaData = SQLModel.metadata
