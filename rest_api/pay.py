"""GET /pay/{token}: from the link in a mail to the provider's page where a payment request is paid, without login.

The token alone says whose request is meant. Who cannot be sent on gets a sentence in the customer's language.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from domain.billing.payment_pages import request_page
from domain.identity.queries import tenant_of
from domain.kernel.errors import NotAllowed, NotFound, ValidationFailed
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.emails.compose import subject_of
from domain.messaging.emails.letter import words_of
from domain.payments.request_links import PAID, read_pay_token

__all__ = ["routes"]

# A link is a secret: it is neither kept nor told to the page.
HEADERS: Final = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
GONE: Final = (404, "pay_gone")
# What is wrong with the provider's side of it may be mended in a moment.
LATER: Final = (503, "pay_later")


async def pay(request: Request) -> Response:
    """On to the page: 303. 404 for a link that is changed, too old or of a customer who is gone, 410 when nothing is to
    be paid on it any more, 409 while a payment is under way, 503 when no page could be made."""
    named = read_pay_token(request.path_params["token"])
    if named is None:
        return _said(GONE, "en")
    async with tenant_work(Tenant(named[0])) as work:
        tenant = await tenant_of(work)
    if tenant is None:
        return _said(GONE, "en")
    try:
        page = await request_page(lambda: tenant_work(tenant), named[1])
    except NotFound:
        refused = GONE
    except NotAllowed:
        refused = (409, "pay_under_way")
    except ValidationFailed as error:
        refused = (410, "pay_done") if error.details == {"base": [PAID]} else LATER
    else:
        return RedirectResponse(page.url, 303, headers=HEADERS)
    async with tenant_work(tenant) as work:
        try:
            letter = (await subject_of(work, "payment_request", named[1])).letter
        except NotFound:
            return _said(GONE, "en")
    return _said(refused, letter.locale, letter.closing)


def _said(refused: tuple[int, str], locale: str, *more: str) -> Response:
    status, label = refused
    return PlainTextResponse("\n\n".join([words_of(locale)(label), *more]) + "\n", status, headers=HEADERS)


routes = [Route("/pay/{token}", pay, methods=["GET"])]
