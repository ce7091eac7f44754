"""Pages of lists, as REST (`page`, `per_page`) and GraphQL (`page`, `limit`) ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["MAX_PER_PAGE", "Page", "PageRequest"]

T = TypeVar("T")

MAX_PER_PAGE = 1_000
MAX_PAGE = 1_000_000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: `number` counts from 1, `size` is clamped to 1..1000."""

    number: int = 1
    size: int = 100

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", min(max(self.number, 1), MAX_PAGE))
        object.__setattr__(self, "size", min(max(self.size, 1), MAX_PER_PAGE))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @classmethod
    def parse(cls, number: object, size: object, default_size: int = 100) -> PageRequest:
        """From query text; what is not a positive number means the default."""

        def whole(value: object, default: int) -> int:
            text = str(value) if value is not None else ""
            return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default

        return cls(whole(number, 1), whole(size, default_size))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of one page and how many there are in all."""

    rows: Sequence[T]
    total_count: int
    request: PageRequest

    @property
    def total_pages(self) -> int:
        return -(-self.total_count // self.request.size)

    @property
    def current_page(self) -> int:
        return self.request.number if self.total_count else 0

    @property
    def next_page(self) -> int | None:
        return self.request.number + 1 if self.request.number < self.total_pages else None

    @property
    def previous_page(self) -> int | None:
        return self.request.number - 1 if self.total_count and self.request.number > 1 else None
