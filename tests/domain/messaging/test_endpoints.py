"""The rules of endpoints, the addresses they take and how many there may be."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.kernel.errors import ValidationFailed
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.endpoints import MOST_ENDPOINTS, create_endpoint, upsert_first_endpoint
from domain.messaging.models import WebhookEndpoint
from tests.domain.messaging.conftest import House

URL = "https://example.com/hooks"


async def create(house: House, **params: Any) -> WebhookEndpoint:
    async with tenant_work(house.tenant) as work:
        return await create_endpoint(work, {"webhook_url": URL, **params})


async def refusal(house: House, **params: Any) -> object:
    with pytest.raises(ValidationFailed) as caught:
        await create(house, **params)
    return caught.value.details


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com", "http://127.0.0.1:3000/hook?a=b#c", "http://[::1]:80/", "HTTPS://EXAMPLE.COM/",
        "http://b\u00fccher.example/\u00fc", "https://user:secret@example.com/", "http://localhost:65535",
        " https://a.b/ ",
    ],
)  # fmt: skip
async def test_web_addresses_are_taken(house: House, url: str) -> None:
    assert (await create(house, webhook_url=url)).webhook_url == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "example.com", "ftp://example.com", "http://", "http:///path", "javascript:alert(1)", "https://exa mple.com/",
        "http://x:0/", "http://x:65536/", "http://x:y/", "http://[::1/", "http://a..b/", "http://xn--/",
        "//example.com",
        "http://" + "a" * 64 + ".com/", "http://\U0001f600/", "http://a\tb/", "http:example.com", "/hook",
    ],
)  # fmt: skip
async def test_what_is_no_web_address_is_refused(house: House, url: str) -> None:
    assert await refusal(house, webhook_url=url) == {"webhook_url": ["url_is_invalid"]}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (None, "value_is_mandatory"), ("", "value_is_mandatory"), (" ", "value_is_mandatory"),
        (["https://a.b"], "value_is_invalid"), ({"a": 1}, "value_is_invalid"), (True, "value_is_invalid"),
        ("https://a.b/" + "x" * 2_000, "value_is_too_long"), ("https://a.b/\x00", "value_is_invalid"),
    ],
)  # fmt: skip
async def test_an_address_of_another_kind_is_refused_by_its_code(house: House, url: object, code: str) -> None:
    assert await refusal(house, webhook_url=url) == {"webhook_url": [code]}


async def test_every_wrong_field_is_named_at_once(house: House) -> None:
    wrong = {"webhook_url": "x", "signature_algo": "md5", "event_types": ["x"], "name": "n" * 256}
    assert await refusal(house, **wrong) == {
        "webhook_url": ["url_is_invalid"],
        "name": ["value_is_too_long"],
        "signature_algo": ["value_is_invalid"],
        "event_types": ["value_is_invalid"],
    }


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (None, None),
        (["*"], None),
        ([" * "], None),
        ([], []),
        (["plan.created"], ["plan.created"]),
        ([" Plan.Created", "plan.created", "INVOICE.VOIDED "], ["plan.created", "invoice.voided"]),
    ],
)
async def test_event_types_are_tidied(house: House, given: object, stored: object) -> None:
    assert (await create(house, event_types=given)).event_types == stored


@pytest.mark.parametrize(
    "given", [["plan_created"], ["*", "plan.created"], [""], [None], [1], [["plan.created"]], [{}]]
)
async def test_unknown_event_types_are_refused(house: House, given: object) -> None:
    assert await refusal(house, event_types=given) == {"event_types": ["value_is_invalid"]}


@pytest.mark.parametrize("given", ["*", "plan.created", 1, True, {"plan.created": True}])
async def test_event_types_that_are_no_list_are_refused(house: House, given: object) -> None:
    assert await refusal(house, event_types=given) == {"event_types": ["must_be_array"]}


async def test_an_address_is_told_once_per_organization(house: House, neighbour: House) -> None:
    await create(house)
    assert await refusal(house) == {"webhook_url": ["value_already_exist"]}
    await create(neighbour)


async def test_the_same_address_twice_at_once_is_taken_once(house: House) -> None:
    results = await asyncio.gather(*(create(house) for _ in range(4)), return_exceptions=True)
    refused = [each for each in results if isinstance(each, ValidationFailed)]
    assert len(refused) == 3
    assert all(each.details == {"webhook_url": ["value_already_exist"]} for each in refused)


async def test_there_are_ten_endpoints_at_most(house: House, neighbour: House) -> None:
    for number in range(MOST_ENDPOINTS):
        await create(house, webhook_url=f"{URL}/{number}")
    details = await refusal(house)
    assert isinstance(details, dict)
    assert list(details) == ["base"]
    await create(neighbour)


async def test_there_are_ten_at_most_though_many_come_at_once(house: House) -> None:
    await asyncio.gather(*(create(house, webhook_url=f"{URL}/{n}") for n in range(14)), return_exceptions=True)
    (row,) = house.rows("SELECT count(*) FROM webhook_endpoints WHERE organization_id = %(me)s")
    assert row["count"] == MOST_ENDPOINTS


async def test_the_organizations_address_is_that_of_its_oldest_endpoint(house: House) -> None:
    async def settle(url: object) -> list[str]:
        async with tenant_work(house.tenant) as work:
            await upsert_first_endpoint(work, url)
        rows = house.rows("SELECT webhook_url FROM webhook_endpoints WHERE organization_id = %(me)s ORDER BY id")
        return [row["webhook_url"] for row in rows]

    assert await settle(None) == []
    assert await settle(URL) == [URL]
    await create(house, webhook_url=f"{URL}/second")
    assert await settle(f"{URL}/moved") == [f"{URL}/moved", f"{URL}/second"]
