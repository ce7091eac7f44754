"""What a process must know to send and to run jobs."""

from __future__ import annotations

from domain.kernel.unit_of_work import Reactions, install_reactions
from tasks.dispatch import dispatch
from tasks.jobs import JOBS
from tasks.reactions import requests

# Each declares the jobs of a context.
from tasks import (  # isort: skip
    billing,  # noqa: F401
    catalog,  # noqa: F401
    emails,  # noqa: F401
    credit_notes,  # noqa: F401
    customers,  # noqa: F401
    exports,  # noqa: F401
    gated,  # noqa: F401
    identity,  # noqa: F401
    insight,  # noqa: F401
    invoicing,  # noqa: F401
    messaging,  # noqa: F401
    metering,  # noqa: F401
    payments,  # noqa: F401
    providers,  # noqa: F401
    sandbox,  # noqa: F401
    ticks,  # noqa: F401
    usage,  # noqa: F401
    wallets,  # noqa: F401
)

__all__ = ["install"]


def install() -> None:
    """Lets events be followed by jobs in this process. Called once when it starts: API, worker, clock, commands."""
    install_reactions(Reactions(requests, dispatch, {name: each.queue for name, each in JOBS.items()}))
