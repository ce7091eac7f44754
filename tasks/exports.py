"""Jobs that make the files of exports; the order of their steps stands in `domain/insight/exports/run.py`."""

from __future__ import annotations

from uuid import UUID

import aiosmtplib

from domain.insight.exports.mail import export_mail
from domain.insight.exports.request import expired_files, remove_expired
from domain.insight.exports.run import FINISH, MAIL, PART, assembled, complete, fail, split, write_part
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import mail, storage
from tasks.jobs import external_job, job
from tasks.lease import Lease
from tasks.retries import polynomial

__all__ = ["REMOVE", "SPLIT"]

SPLIT = "insight.split_exports"
REMOVE = "insight.remove_exports"


async def _none_made(work: UnitOfWork, export_ids: list[str]) -> None:
    for each in export_ids:
        await fail(work, UUID(each))


async def _not_made(work: UnitOfWork, export_id: str) -> None:
    await fail(work, UUID(export_id))


async def _not_written(work: UnitOfWork, part_id: str) -> None:
    await fail(work, part_id=UUID(part_id))


@job(SPLIT, given_up=_none_made)
async def split_exports(work: UnitOfWork, export_ids: list[str]) -> None:
    """Lists the objects of exports that were asked for into parts."""
    for each in export_ids:
        await split(work, UUID(each))


@job(PART, queue="low_priority", given_up=_not_written)
async def write_export_part(work: UnitOfWork, part_id: str) -> None:
    """Writes the lines of one part."""
    await write_part(work, UUID(part_id))


@external_job(FINISH, given_up=_not_made)
async def finish_export(lease: Lease, export_id: str) -> None:
    """Puts the parts together and stores the file, which no transaction waits for."""
    async with lease.work() as work:
        found = await assembled(work, UUID(export_id))
    if found is None:
        return
    key, content = found
    await storage.put(key, content, "text/csv; charset=utf-8")
    async with lease.settle() as work:
        await complete(work, UUID(export_id), key)


@external_job(MAIL, queue="mailers", retries=(polynomial(25, aiosmtplib.SMTPResponseException), polynomial(6)))
async def mail_export(lease: Lease, export_id: str) -> None:
    """Sends the link to whoever asked for the file."""
    async with lease.work() as work:
        made = await export_mail(work, UUID(export_id))
    if made is not None:
        await mail.send(made)


@external_job(REMOVE, queue="low_priority")
async def remove_exports(lease: Lease, export_ids: list[str]) -> None:
    """Removes files whose links have ended, then what is known of them."""
    ids = [UUID(each) for each in export_ids]
    async with lease.work() as work:
        keys = await expired_files(work, ids)
    for key in keys:
        await storage.delete(key)
    async with lease.settle() as work:
        await remove_expired(work, ids)
