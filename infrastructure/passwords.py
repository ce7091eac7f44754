"""Passwords: argon2id, in threads of its own.

One hash takes 64 MiB and some 50 ms of a core. Two threads bound what a flood of logins can take from the process;
further ones wait without holding up the event loop.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["MAX_PASSWORD_LENGTH", "hash_password", "needs_rehash", "verify_password"]

MAX_PASSWORD_LENGTH = 1_024

_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return _hasher.hash(os.urandom(32))


async def hash_password(password: str) -> str:
    """The argon2id hash to store. Raises ValueError for an empty, over-long or not encodable password."""
    if not 0 < len(password) <= MAX_PASSWORD_LENGTH:
        raise ValueError(f"a password has 1 to {MAX_PASSWORD_LENGTH} characters")
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password.encode())


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password is the one behind the stored hash.

    Give None for a user who does not exist or has no password: the same work is done and the answer is False, so that
    the time of an answer does not tell which accounts exist.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads, _verified, stored, password)


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other cost settings than today's; hash anew at the next successful login."""
    return _hasher.check_needs_rehash(stored)


def _verified(stored: str | None, password: str) -> bool:
    acceptable = 0 < len(password) <= MAX_PASSWORD_LENGTH
    given = password.encode(errors="replace") if acceptable else b"refused"
    try:
        matches = _hasher.verify(stored or _hash_of_nobody(), given)
    except (VerificationError, InvalidHashError):
        return False
    return matches and acceptable and stored is not None
