"""An organization to bill: customers with a subscription each, five charges, one with filters, events of one month. All
made in SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

__all__ = ["MONTH_END", "ORGANIZATION", "seed", "seed_organization"]

ORGANIZATION = UUID(int=0x7A12)
MONTH_END = "2024-04-01T00:10:00Z"

_VALUES = {"org": ORGANIZATION, "now": MONTH_END, "start": "2024-03-01T00:00:00Z"}
_ORGANIZATION = (
    """
    INSERT INTO organizations (id, name, slug, hmac_key, authentication_methods, sandbox, frozen_at, created_at,
                               updated_at)
    VALUES (%(org)s, 'Bench', 'bench', 'x', '{email_password}', true, %(now)s, %(start)s, %(start)s)
    """,
    """
    INSERT INTO billing_entities (id, organization_id, code, name, default_currency, timezone, document_locale,
        document_numbering, document_number_prefix, invoice_grace_period, net_payment_term,
        finalize_zero_amount_invoice, subscription_invoice_issuing_date_anchor,
        subscription_invoice_issuing_date_adjustment, email_settings, eu_tax_management, einvoicing,
        created_at, updated_at)
    VALUES (%(org)s, %(org)s, 'main', 'Bench', 'USD', 'UTC', 'en', 'per_customer', 'BEN-0001', 0, 0, true,
        'next_period_start', 'align_with_finalization_date', '{}', false, false, %(start)s, %(start)s)
    """,
    """
    INSERT INTO taxes (id, organization_id, name, code, rate, auto_generated, created_at, updated_at)
    VALUES (%(org)s, %(org)s, 'VAT', 'vat', 20, false, %(start)s, %(start)s)
    """,
    """
    INSERT INTO billing_entity_taxes (id, organization_id, billing_entity_id, tax_id, created_at, updated_at)
    VALUES (%(org)s, %(org)s, %(org)s, %(org)s, %(start)s, %(start)s)
    """,
    """
    INSERT INTO customers (id, organization_id, billing_entity_id, external_id, sequential_id, slug, account_type,
                           finalize_zero_amount_invoice, skip_invoice_custom_sections, exclude_from_dunning_campaign,
                           created_at, updated_at)
    SELECT uuidv7(), %(org)s, %(org)s, 'customer-' || n, n, 'BEN-0001-' || n, 'customer', 'inherit', false, false,
           %(start)s,
           %(start)s
    FROM generate_series(1, %(subscriptions)s) n
    """,
)
_PLAN = (
    """
    INSERT INTO plans (id, organization_id, name, code, interval, amount_cents, amount_currency, pay_in_advance,
                       pending_deletion, created_at, updated_at)
    VALUES (%(org)s, %(org)s, 'Plan', 'plan', 'monthly', 4900, 'USD', false, false, %(start)s, %(start)s)
    """,
    """
    INSERT INTO billable_metrics (id, organization_id, name, code, aggregation_type, field_name, recurring,
                                  values_ready, created_at, updated_at)
    SELECT uuidv7(), %(org)s, code, code, kind, field, false, true, %(start)s, %(start)s
    FROM (VALUES ('input', 'sum_agg', 'units'), ('output', 'sum_agg', 'units'), ('calls', 'count_agg', NULL),
                 ('tokens', 'sum_agg', 'units'), ('seats', 'max_agg', 'units'))
         AS m(code, kind, field)
    """,
    """
    INSERT INTO charges (id, organization_id, plan_id, billable_metric_id, code, charge_model, properties, position,
                         pay_in_advance, prorated, invoiceable, min_amount_cents, accepts_target_wallet,
                         created_at, updated_at)
    SELECT uuidv7(), %(org)s, %(org)s, m.id, m.code, c.model, c.properties::jsonb, c.position,
           false, false, true, 0, false, %(start)s, %(start)s
    FROM (VALUES
        ('input', 'standard', '{"amount": "0.000003"}', 0),
        ('output', 'graduated', '{"graduated_ranges": [
            {"from_value": 0, "to_value": 200000, "per_unit_amount": "0.00001", "flat_amount": "0"},
            {"from_value": 200001, "to_value": null, "per_unit_amount": "0.000008", "flat_amount": "0"}]}', 1),
        ('calls', 'package', '{"amount": "0.50", "package_size": 10, "free_units": 10}', 2),
        ('tokens', 'standard', '{"amount": "0.00001"}', 3),
        ('seats', 'volume', '{"volume_ranges": [
            {"from_value": 0, "to_value": 10000, "per_unit_amount": "0.01", "flat_amount": "1"},
            {"from_value": 10001, "to_value": null, "per_unit_amount": "0.008", "flat_amount": "0"}]}', 4)
    ) AS c(code, model, properties, position)
    JOIN billable_metrics m ON m.code = c.code AND m.organization_id = %(org)s
    """,
    """
    INSERT INTO billable_metric_filters (id, organization_id, billable_metric_id, key, values, created_at, updated_at)
    SELECT uuidv7(), %(org)s, m.id, 'region', '{eu,us,asia}', %(start)s, %(start)s
    FROM billable_metrics m WHERE m.organization_id = %(org)s AND m.code = 'tokens'
    """,
    """
    INSERT INTO charge_filters (id, organization_id, charge_id, code, properties, position, created_at, updated_at)
    SELECT uuidv7(), %(org)s, c.id, f.region, jsonb_build_object('amount', f.amount), f.position, %(start)s, %(start)s
    FROM charges c, (VALUES ('eu', '0.00002', 0), ('us', '0.00003', 1)) AS f(region, amount, position)
    WHERE c.organization_id = %(org)s AND c.code = 'tokens'
    """,
    """
    INSERT INTO charge_filter_values (id, organization_id, charge_filter_id, billable_metric_filter_id, values,
                                      created_at, updated_at)
    SELECT uuidv7(), %(org)s, f.id, m.id, ARRAY[f.code], %(start)s, %(start)s
    FROM charge_filters f, billable_metric_filters m
    WHERE f.organization_id = %(org)s AND m.organization_id = %(org)s
    """,
    """
    INSERT INTO subscriptions (id, organization_id, customer_id, plan_id, external_id, status, billing_time,
        subscription_at, started_at, activated_at, on_termination_invoice, consolidate_invoice, payment_method_type,
        progressive_billing_disabled, skip_invoice_custom_sections, created_at, updated_at)
    SELECT uuidv7(), %(org)s, c.id, %(org)s, 'sub-' || c.sequential_id, 'active', 'calendar', %(start)s, %(start)s,
           %(start)s, 'generate', true, 'provider', false, false, %(start)s, %(start)s
    FROM customers c WHERE c.organization_id = %(org)s
    """,
    """
    INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties, value,
                        event_metadata, created_at, timestamp)
    SELECT uuidv7(), %(org)s, 'sub-' || (n %% %(subscriptions)s + 1), 'tx-' || n, code,
           jsonb_build_object('units', amount::text, 'region', (ARRAY['eu', 'us', 'asia'])[1 + n %% 3]),
           CASE WHEN code <> 'calls' THEN amount END, '{}', at, at
    FROM generate_series(1::bigint, %(events)s) n
    CROSS JOIN LATERAL (SELECT
        (ARRAY['input', 'output', 'calls', 'tokens', 'seats'])[1 + (n / %(subscriptions)s) %% 5] AS code,
        (n * 7919 %% 20011)::numeric AS amount,
        CAST(%(start)s AS timestamptz) + (n * 7907 %% 2591000) * interval '1 second' AS at) e
    """,
)


def seed_organization(connection: psycopg.Connection[Any], *, customers: int) -> None:
    """An organization with an entity, a tax and customers, in place of whatever stands in the database."""
    connection.execute("TRUNCATE organizations, users CASCADE")
    connection.execute("TRUNCATE events")
    for statement in _ORGANIZATION:
        connection.execute(statement, {**_VALUES, "subscriptions": customers})


def seed(connection: psycopg.Connection[Any], *, subscriptions: int, events: int) -> None:
    """Replaces whatever stands in the database."""
    seed_organization(connection, customers=subscriptions)
    for statement in _PLAN:
        connection.execute(statement, {**_VALUES, "subscriptions": subscriptions, "events": events})
    connection.execute("VACUUM ANALYZE")
