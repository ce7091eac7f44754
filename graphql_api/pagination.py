"""Pages of lists: `page` counts from 1, `limit` is 25 unless asked.

@strawberry.type
class PlanCollection:
    collection: list[Plan]
    metadata: CollectionMetadata

page = await plans_page(work, ..., page_request(page, limit))
return PlanCollection(collection=[plan_type(row) for row in page.rows], metadata=metadata_of(page))
"""

from __future__ import annotations

from typing import Any

import strawberry

from domain.kernel.pagination import Page, PageRequest

__all__ = ["DEFAULT_LIMIT", "CollectionMetadata", "metadata_of", "page_request"]

DEFAULT_LIMIT = 25


@strawberry.type
class CollectionMetadata:
    current_page: int
    limit_value: int
    total_count: int
    total_pages: int


def page_request(page: int | None, limit: int | None) -> PageRequest:
    """The page asked for; what is not positive means the default."""
    return PageRequest.parse(page, limit, DEFAULT_LIMIT)


def metadata_of(page: Page[Any]) -> CollectionMetadata:
    """What the client needs to know to ask for the next page."""
    return CollectionMetadata(
        current_page=page.request.number,
        limit_value=page.request.size,
        total_count=page.total_count,
        total_pages=page.total_pages,
    )
