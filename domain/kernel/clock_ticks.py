"""Which scheduled jobs have run: one row per job and tick, so that two clocks run each tick once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from domain.kernel import clock
from domain.kernel.ids import new_id
from domain.kernel.rows import timestamp

__all__ = ["ClockTick"]


class ClockTick(SQLModel, table=True):
    """A tick of a scheduled job, in real time."""

    __tablename__ = "clock_ticks"
    __table_args__ = (sa.UniqueConstraint("job", "tick"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    job: str
    tick: datetime = timestamp(nullable=False)
    created_at: datetime = timestamp(nullable=False, default_factory=clock.wall)
