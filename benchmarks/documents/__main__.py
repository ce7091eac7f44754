"""How many PDFs a worker process makes in a second against typst alone on markup that is ready.

    python -m benchmarks.documents [--documents 200] [--rounds 3]

Invoices of one page and of 20, each with names and figures of its own. Ours: from the values of an invoice to its PDF,
in the threads of one process: words and figures in their language, the template, the data. Bare: the same library on
markup in which all of that is already in its place, in as many threads. Both are tagged for accessibility. The ratio is
of processor time, which a busy machine does not change much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.documents.bare import Bare, markup
from benchmarks.documents.samples import invoice
from domain.invoicing.document import InvoiceDocument, present, render_invoice

LINES = {1: 12, 20: 480}
"""Lines of an invoice by its pages, about."""
BAR = 3.0
_bare = threading.local()


def _alone(text: str) -> bytes:
    if not hasattr(_bare, "typst"):
        _bare.typst = Bare()
    made: bytes = _bare.typst.compile(text)
    return made


def bare(texts: Sequence[str]) -> list[bytes]:
    """The PDFs of ready markup, on all cores."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(_alone, texts))


async def ours(documents: Sequence[InvoiceDocument]) -> list[bytes]:
    """The PDFs of invoices, as a worker makes them: ten at a time."""
    limit = asyncio.Semaphore(10)

    async def one(document: InvoiceDocument) -> bytes:
        async with limit:
            return await render_invoice(document)

    return await asyncio.gather(*map(one, documents))


def pages(made: bytes) -> int:
    """The pages of a PDF as typst writes it."""
    return len(re.findall(rb"/Type\s*/Page\b", made))


async def measure(name: int, count: int, rounds: int) -> dict[str, Any]:
    """The medians of some rounds with documents of one size."""
    numbers = iter(range(1, 10**9))
    seconds, processor, limit, limit_seconds = [], [], [], []
    size = 0
    for round_ in range(rounds + 1):
        documents = [invoice(next(numbers), LINES[name]) for _ in range(count)]
        texts = [markup(present(document)) for document in documents]
        wall, cpu = time.perf_counter(), time.process_time()
        made = await ours(documents)
        if round_:
            seconds.append(time.perf_counter() - wall)
            processor.append(time.process_time() - cpu)
        wall, cpu = time.perf_counter(), time.process_time()
        alone = await asyncio.to_thread(bare, texts)
        if round_:
            limit_seconds.append(time.perf_counter() - wall)
            limit.append(time.process_time() - cpu)
        size = pages(made[0])
        assert abs(size - pages(alone[0])) <= max(1, size // 5), (size, pages(alone[0]))
    return {
        "pages": size,
        "documents": count,
        "per_second": round(count / statistics.median(seconds), 1),
        "bare_per_second": round(count / statistics.median(limit_seconds), 1),
        "cpu_ms": round(1000 * statistics.median(processor) / count, 1),
        "bare_cpu_ms": round(1000 * statistics.median(limit) / count, 1),
        "ratio": round(statistics.median(processor) / statistics.median(limit), 2),
    }


async def main() -> int:
    """Prints one JSON line a size; 1 when a document costs more than the bar allows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = [
        await measure(1, arguments.documents, arguments.rounds),
        await measure(20, max(1, arguments.documents // 20), arguments.rounds),
    ]
    for result in results:
        print(json.dumps(result))
    slow = [result for result in results if result["ratio"] > BAR]
    for result in slow:
        print(f"{result['pages']} pages cost {result['ratio']} times the bare renderer; at most {BAR}", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
