"""A worker that is killed between the provider's answer and the commit takes nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from uuid import UUID

from tests.domain.billing.world import World
from tests.provider_jobs import Jobs
from tests.rest_api.conftest import Api
from tests.rest_api.providers.conftest import linked, payments
from tests.rest_api.test_payments import invoice_of, one_off
from tests.stripe_server import StripeServer


async def test_a_worker_killed_with_the_money_taken_takes_it_once(
    api: Api, jobs: Jobs, stripe: StripeServer, connected: UUID, world: World, environment: dict[str, str]
) -> None:
    """The provider has taken the money and answers; the worker is killed before it can note that."""
    await linked(api, jobs, stripe)
    jobs.left_out |= {"providers.update_customer", "payments.take"}
    invoice = await one_off(api)
    await jobs.run()
    query = "SELECT id FROM jobs WHERE actor = 'payments.take' AND organization_id = %s"
    ((job_id,),) = world.execute(query, world.organization_id)
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.rest_api.providers.one_job", str(job_id)),
        env={**os.environ, **environment, "TARN_STRIPE_URL": stripe.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    # The card is looked at first; the answer to the charge goes out when the worker is dead.
    stripe.faults = ["pass", lambda: os.kill(worker.pid, signal.SIGKILL)]
    output, _ = await worker.communicate()
    assert worker.returncode == -signal.SIGKILL, output.decode()
    (killed,) = await payments(api, invoice)
    assert (len(stripe.of("pi")), killed["payment_status"], killed["provider_payment_id"]) == (1, "pending", None)
    # The lease lapses, and the relay sends the row again.
    world.execute("UPDATE jobs SET due_at = now() - interval '1 s' WHERE id = %s", job_id)
    jobs.left_out.remove("payments.take")
    jobs.waiting.append((job_id, "payments.take"))
    assert "payments.take" in await jobs.run()
    (paid,) = await payments(api, invoice)
    assert (paid["lago_id"], paid["payment_status"], paid["provider_payment_id"]) == (
        killed["lago_id"], "succeeded", stripe.of("pi")[0]["id"],
    )  # fmt: skip
    assert len(stripe.of("pi")) == 1
    assert (await invoice_of(api, invoice))["total_paid_amount_cents"] == 10_000
