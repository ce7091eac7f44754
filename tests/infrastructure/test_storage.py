from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import obstore.exceptions
import pytest
from moto.server import ThreadedMotoServer

from infrastructure import storage
from infrastructure.storage import InvalidKey, ObjectNotFound
from tests.infrastructure.conftest import Configure

BUCKET = "tarn-tests"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def bucket_at(endpoint: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1"
    )


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, configure: Configure, tmp_path: Path) -> str:
    kind: str = request.param
    configure(TARN_DATA_DIR=str(tmp_path), LAGO_USE_AWS_S3="false")
    if kind == "bucket":
        endpoint = request.getfixturevalue("s3_endpoint")
        bucket_at(endpoint).create_bucket(Bucket=BUCKET)
        in_bucket(configure, endpoint)
    return kind


def in_bucket(configure: Configure, endpoint: str, bucket: str = BUCKET) -> None:
    configure(
        LAGO_USE_AWS_S3="true",
        LAGO_AWS_S3_ACCESS_KEY_ID="k",
        LAGO_AWS_S3_SECRET_ACCESS_KEY="s",
        LAGO_AWS_S3_BUCKET=bucket,
        LAGO_AWS_S3_ENDPOINT=endpoint,
        LAGO_AWS_S3_PATH_STYLE="true",
    )


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\x00\xff", b"x" * 7_000_000], ids=["empty", "small", "7 MB"])
async def test_bytes_come_back_as_they_were(data: bytes) -> None:
    await storage.put("invoices/2026/05/a.pdf", data, "application/pdf")
    assert await storage.get("invoices/2026/05/a.pdf") == data
    assert await storage.exists("invoices/2026/05/a.pdf")


@pytest.mark.usefixtures("place")
async def test_a_second_put_replaces_the_first() -> None:
    await storage.put("replaced.txt", b"first, and longer")
    await storage.put("replaced.txt", b"second")
    assert await storage.get("replaced.txt") == b"second"


@pytest.mark.usefixtures("place")
async def test_what_is_not_there_is_not_found_and_may_be_deleted() -> None:
    assert not await storage.exists("no/such/object")
    with pytest.raises(ObjectNotFound):
        await storage.get("no/such/object")
    await storage.delete("no/such/object")


@pytest.mark.usefixtures("place")
async def test_a_deleted_object_is_gone() -> None:
    await storage.put("gone.txt", b"x")
    await storage.delete("gone.txt")
    assert not await storage.exists("gone.txt")


@pytest.mark.usefixtures("place")
async def test_writers_of_one_key_at_the_same_moment_leave_one_whole_object() -> None:
    versions = [bytes([n]) * 200_000 for n in range(8)]
    await asyncio.gather(*(storage.put("raced.bin", version) for version in versions))
    assert await storage.get("raced.bin") in versions


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "key",
    [
        *(
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "../a",
            "a/./b",
            "a//b",
            "a/",
            "/a",
            ".hidden",
            "a\\b",
            "a\x00b",
            "é",
        ),
        *("a b", "a%2e%2e/b", "a\n", "x" * 513, "C:/x", "~/x", "\ud800"),
    ],
)
async def test_a_key_that_could_leave_the_storage_is_refused_everywhere(key: str) -> None:
    for call in (storage.get(key), storage.exists(key), storage.delete(key), storage.put(key, b"x")):
        with pytest.raises(InvalidKey):
            await call


async def test_a_folder_keeps_objects_below_the_data_directory(configure: Configure, tmp_path: Path) -> None:
    configure(TARN_DATA_DIR=str(tmp_path), LAGO_USE_AWS_S3="false")
    await storage.put("webhooks/2026/a.json.gz", b"x")
    assert (tmp_path / "storage" / "webhooks" / "2026" / "a.json.gz").read_bytes() == b"x"


async def test_a_bucket_keeps_the_content_type(configure: Configure, s3_endpoint: str) -> None:
    client = bucket_at(s3_endpoint)
    client.create_bucket(Bucket=BUCKET)
    in_bucket(configure, s3_endpoint)
    await storage.put("typed.pdf", b"x", "application/pdf")
    assert client.head_object(Bucket=BUCKET, Key="typed.pdf")["ContentType"] == "application/pdf"


async def test_a_bucket_that_does_not_exist_is_an_error_and_not_an_empty_storage(
    configure: Configure, s3_endpoint: str
) -> None:
    in_bucket(configure, s3_endpoint, bucket="never-made")
    with pytest.raises((obstore.exceptions.BaseError, FileNotFoundError)):
        await storage.put("a", b"x")


async def test_an_object_above_the_limit_is_refused(configure: Configure, tmp_path: Path) -> None:
    configure(TARN_DATA_DIR=str(tmp_path))
    with pytest.raises(ValueError, match="at most"):
        await storage.put("a", bytes(storage.MAX_OBJECT_BYTES + 1))
