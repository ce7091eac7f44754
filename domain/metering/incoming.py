"""What a client sent as events, read and checked: bytes in, rows out, or every error by its place.

The usual shape is decoded in one pass and its properties are never taken apart: they are stored and answered as the
bytes that came. Whatever is not of that shape is read again slowly, field by field, so that the errors can be named;
both ways accept the same. Source: handbook, metering 4.1 to 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

import msgspec
import uuid_utils

from domain.kernel.errors import BadRequest, ValidationFailed
from domain.kernel.money import decimal_text, round_half_up
from domain.kernel.validation import INVALID, MANDATORY, OUT_OF_RANGE, TOO_LONG, clean_json, storable
from domain.metering.expression_rules import NO_RULES, Rules, apply_rule
from infrastructure import exact_json

__all__ = ["Envelope", "EventRow", "answer", "read_batch", "read_single", "repeated"]

MAX_TEXT: Final = 255
MAX_PLAIN_PROPERTIES: Final = 1_000
"""Bytes of properties that can be taken without counting digits and depth."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES: Final = tuple(f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60))
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # years 1 to 9999
_NULL: Final = msgspec.Raw(b"null")
_EMPTY: Final = msgspec.Raw(b"{}")
_SECONDS: Final = re.compile(rb'"?(\d{1,12})(?:\.(\d{1,9})\d{0,50})?"?')
# A float reads 1e-999999 as 0; a numeric of PostgreSQL refuses it.
_TINY: Final = re.compile(rb"[0-9][eE]-")
_BIGGEST_AMOUNT: Final = Decimal(10) ** 25
_AMOUNT_DECIMALS: Final = 15

Errors = dict[str, list[str]]


class EventRow(msgspec.Struct, gc=False, omit_defaults=True):
    """One event as it goes to the database (see event_columns.py).

    expression, field_name: what a property was computed with, if any; sent: the properties as they came, where one of
    them had the name of what was computed.
    """

    id: str
    organization_id: str
    external_subscription_id: str | None
    transaction_id: str
    code: str
    properties: msgspec.Raw
    precise_total_amount_cents: str | None
    event_metadata: msgspec.Raw
    created_at: str
    timestamp: str
    expression: str | None = None
    field_name: str | None = None
    sent: msgspec.Raw | None = None


class _Sent(msgspec.Struct, gc=False):
    transaction_id: str
    code: str
    external_subscription_id: str | None = None
    timestamp: msgspec.Raw = _NULL
    precise_total_amount_cents: msgspec.Raw = _NULL
    properties: msgspec.Raw = _NULL


class _Single(msgspec.Struct, gc=False):
    event: _Sent


class _Batch(msgspec.Struct, gc=False):
    events: list[_Sent]


class _Answer(msgspec.Struct, gc=False):
    lago_id: str
    transaction_id: str
    lago_customer_id: None
    code: str
    timestamp: str
    precise_total_amount_cents: str | None
    properties: msgspec.Raw
    lago_subscription_id: None
    external_subscription_id: str | None
    created_at: str


_single: Final = msgspec.json.Decoder(_Single)
_batch: Final = msgspec.json.Decoder(_Batch)
_flat: Final = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
_encoder: Final = msgspec.json.Encoder()


def answer(row: EventRow) -> _Answer:
    """The event as REST shows it."""
    return _Answer(
        row.id, row.transaction_id, None, row.code, row.timestamp[:23] + "Z", row.precise_total_amount_cents,
        row.properties, None, row.external_subscription_id, row.created_at[:19] + "Z",
    )  # fmt: skip


class Envelope(msgspec.Struct):
    """What all events of one request share."""

    organization_id: str
    now: str
    metadata: msgspec.Raw

    @classmethod
    def of(cls, organization_id: object, now: datetime, user_agent: str | None, ip_address: str | None) -> Envelope:
        """`now`: the organization's business time, which an event without a timestamp gets."""
        metadata = _encoder.encode({"user_agent": user_agent, "ip_address": ip_address})
        return cls(str(organization_id), _instant_text(now), msgspec.Raw(metadata))


def read_single(body: bytes, envelope: Envelope, rules: Rules = NO_RULES) -> EventRow:
    """The event of a body {"event": {…}}, with what the rules compute. Raises BadRequest, ValidationFailed: a sentence
    where an expression has no value."""
    row = _read_single(body, envelope)
    rule = rules.get(row.code) if rules else None
    if rule is not None and (failure := apply_rule(row, rule)):
        raise ValidationFailed(failure)
    return row


def _read_single(body: bytes, envelope: Envelope) -> EventRow:
    try:
        row = _plain_row(_single.decode(body).event, envelope)
        if row is not None:
            return row
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    event = _object(body).get("event")
    if not isinstance(event, Mapping) or not event:
        raise BadRequest("param is missing or the value is empty or invalid: event")
    read = _checked_row(event, envelope)
    if isinstance(read, EventRow):
        return read
    raise ValidationFailed(read)


def read_batch(body: bytes, envelope: Envelope, most: int, rules: Rules = NO_RULES) -> list[EventRow]:
    """The events of a body {"events": […]}, with what the rules compute. Raises BadRequest, ValidationFailed (keyed by
    the place of the event: its wrong fields, or a sentence where an expression has no value)."""
    try:
        sent = _batch.decode(body).events
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        sent = []
    if 0 < len(sent) <= most:
        rows = [row for event in sent if (row := _plain_row(event, envelope)) is not None]
        if len(rows) == len(sent):
            return _computed(rows, rules)
    events = _object(body).get("events")
    if not isinstance(events, list) or not events:
        raise ValidationFailed({"events": ["no_events"]})
    if len(events) > most:
        raise ValidationFailed({"events": ["too_many_events"]})
    return _computed([_checked_row(event, envelope) for event in events], rules)


def _computed(read: Sequence[EventRow | Errors], rules: Rules) -> list[EventRow]:
    """The rows with what the rules compute. Raises ValidationFailed with all that is wrong by place."""
    rows: list[EventRow] = []
    wrong: dict[str, Errors | str] = {}
    for place, row in enumerate(read):
        if not isinstance(row, EventRow):
            wrong[str(place)] = row
            continue
        rule = rules.get(row.code) if rules else None
        if rule is not None and (failure := apply_rule(row, rule)):
            wrong[str(place)] = failure
        rows.append(row)
    if wrong:
        raise ValidationFailed(wrong)
    return rows


def repeated(rows: Sequence[EventRow]) -> set[int]:
    """The places whose transaction_id stands earlier in the same batch already, whatever the subscription."""
    seen: set[str] = set()
    found = set()
    for place, row in enumerate(rows):
        if row.transaction_id in seen:
            found.add(place)
        seen.add(row.transaction_id)
    return found


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = exact_json.load(body)
    except exact_json.MalformedJSON:
        raise BadRequest("the body is not valid JSON") from None
    return value if isinstance(value, Mapping) else {}


def _plain_row(sent: _Sent, envelope: Envelope) -> EventRow | None:
    """The row of an event in which nothing is unusual; None asks for the slow way."""
    transaction_id, code, subscription = sent.transaction_id, sent.code, sent.external_subscription_id
    if (
        not transaction_id.strip() or not code.strip()
        or len(transaction_id) > MAX_TEXT or len(code) > MAX_TEXT
        or "\x00" in transaction_id or "\x00" in code
        or (subscription is not None and (len(subscription) > MAX_TEXT or "\x00" in subscription))
    ):  # fmt: skip
        return None

    if sent.timestamp == _NULL:
        instant = envelope.now
    else:
        match = _SECONDS.fullmatch(sent.timestamp)
        if match is None:
            return None
        seconds, fraction = match.groups()
        whole = int(seconds)
        if whole > _LAST_SECOND:
            return None
        instant = _unix_text(whole, fraction)

    properties = sent.properties
    if properties == _NULL:
        properties = _EMPTY
    else:
        raw = bytes(properties)
        # One byte is looked for in a fraction of the time that two take.
        if len(raw) > MAX_PLAIN_PROPERTIES or (b"\\" in raw and b"\\u" in raw):
            return None
        if b"-" in raw and (b"e-" in raw or b"E-" in raw) and _TINY.search(raw):
            return None
        try:
            _flat.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None

    if sent.precise_total_amount_cents != _NULL:
        return None
    return EventRow(
        str(uuid_utils.uuid7()), envelope.organization_id, subscription, transaction_id, code, properties, None,
        envelope.metadata, envelope.now, instant,
    )  # fmt: skip


def _checked_row(event: object, envelope: Envelope) -> EventRow | Errors:
    """The row of any JSON value, or all that is wrong with it."""
    if not isinstance(event, Mapping):
        return {"event": [INVALID]}
    errors: Errors = {}
    transaction_id = _text(event, "transaction_id", errors, mandatory=True)
    code = _text(event, "code", errors, mandatory=True)
    subscription = _text(event, "external_subscription_id", errors)
    instant = _timestamp(event.get("timestamp"), envelope, errors)
    amount = _amount(event.get("precise_total_amount_cents"), errors)
    properties = event.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, Mapping) or not clean_json(properties):
        errors["properties"] = [INVALID]
    if errors:
        return errors
    assert transaction_id is not None
    assert code is not None
    return EventRow(
        str(uuid_utils.uuid7()), envelope.organization_id, subscription, transaction_id, code,
        msgspec.Raw(exact_json.dump(properties)), amount, envelope.metadata, envelope.now, instant,
    )  # fmt: skip


def _text(event: Mapping[str, Any], name: str, errors: Errors, *, mandatory: bool = False) -> str | None:
    """A text as sent; a number is taken as its text, as Rails did."""
    value = event.get(name)
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and clean_json(value):
        value = str(value)
    if value is None or (mandatory and isinstance(value, str) and not value.strip()):
        if mandatory:
            errors[name] = [MANDATORY]
        return None
    if not isinstance(value, str) or not storable(value):
        errors[name] = [INVALID]
        return None
    if len(value) > MAX_TEXT:
        errors[name] = [TOO_LONG]
        return None
    return value


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    if isinstance(value, str) and (len(value) > 100 or "_" in value):
        return None
    if not clean_json(value):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _timestamp(value: object, envelope: Envelope, errors: Errors) -> str:
    """Unix seconds, exact, cut to the microsecond."""
    if value is None:
        return envelope.now
    number = _number(value)
    if number is None:
        errors["timestamp"] = ["invalid_format"]
    elif number.adjusted() > 12 or not _FIRST_SECOND <= number < _LAST_SECOND + 1:
        errors["timestamp"] = [OUT_OF_RANGE]
    elif number.adjusted() < -6:
        return _instant_text(_EPOCH - timedelta(microseconds=number < 0))
    else:
        whole = number // 1 - (number % 1 < 0)
        return _instant_text(_EPOCH + timedelta(0, int(whole), int((number - whole) * 1_000_000)))
    return ""


def _amount(value: object, errors: Errors) -> str | None:
    if value is None:
        return None
    number = _number(value)
    if number is None:
        errors["precise_total_amount_cents"] = [INVALID]
    elif abs(number) >= _BIGGEST_AMOUNT or number.adjusted() < -80:
        errors["precise_total_amount_cents"] = [OUT_OF_RANGE]
    else:
        return decimal_text(round_half_up(number, _AMOUNT_DECIMALS))
    return None


def _unix_text(second: int, fraction: bytes | None) -> str:
    """As _instant_text, put together from parts: of a Unix second, not negative, and its decimals."""
    days, second = divmod(second, 86_400)
    minute, second = divmod(second, 60)
    decimals = str(fraction[:6], "ascii").ljust(6, "0") if fraction else "000000"
    return f"{_day_text(days)}{_MINUTES[minute]}{second:02}.{decimals}+00:00"


@lru_cache(maxsize=4_096)
def _day_text(days: int) -> str:
    return f"{_EPOCH.date() + timedelta(days)}T"


def _instant_text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")
