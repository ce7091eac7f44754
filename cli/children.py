"""A child process of `tarn up`: started, watched, restarted when it dies, its lines printed with its name."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from rich.console import Console
from rich.text import Text

from infrastructure.process import die_with_parent

__all__ = ["Child"]

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
HEALTHY = 30.0  # seconds of life after which a death counts as the first again
LONGEST_LINE = 64_000


class Child:
    """One process, given as a command with its arguments. It has a session of its own,
    so that Ctrl-C at the terminal reaches `tarn up` alone.
    """

    def __init__(
        self, name: str, command: Sequence[str], env: Mapping[str, str], colour: str, console: Console
    ) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.colour = colour
        self.console = console
        self.process: asyncio.subprocess.Process | None = None
        self.stopping = False

    async def run(self) -> None:
        """Keep the process running until `stop`. Restarts it with a growing pause when it dies."""
        pause = FIRST_PAUSE
        while not self.stopping:
            began = time.monotonic()
            code = await self._live()
            if self.stopping:
                return
            pause = FIRST_PAUSE if time.monotonic() - began > HEALTHY else pause
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
            self.say(f"{how}; starting it again in {pause:g} s", "red")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _live(self) -> int:
        """Start the process, print what it says, and return its status when it has ended."""
        # A pipe of our own: with asyncio's, a grandchild that still holds it would keep `wait` from returning.
        reading, writing = os.pipe()
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
        )
        try:
            # The event loop runs in the main thread, and so does the fork: the parent-death signal needs that.
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
                # The servers die with us too: a child could finish nothing, and would keep hold of its jobs meanwhile.
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        finally:
            os.close(writing)
        printing = asyncio.create_task(self._print(reader))
        try:
            code = await self.process.wait()
            self._end_group()
            with suppress(TimeoutError):
                await asyncio.wait_for(printing, 1)
            return code
        finally:
            printing.cancel()
            transport.close()

    async def stop(self, grace: float) -> None:
        """SIGTERM to the process alone (the worker's parent ends its own children in order), then SIGKILL to all."""
        self.stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), grace)
        except TimeoutError:
            self.say(f"did not end within {grace:g} s: killed", "red")
        self._end_group()

    def _end_group(self) -> None:
        """What a killed process left behind in its session would go on working beside its successor."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def _print(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.say(line.decode(errors="replace").rstrip("\r"))
            if len(rest) > LONGEST_LINE:
                self.say(rest.decode(errors="replace"))
                rest = b""
        if rest:
            self.say(rest.decode(errors="replace"))

    def say(self, line: str, style: str = "") -> None:
        """Print one line under this child's name."""
        text = Text.assemble((f"{self.name:>8} ", self.colour), ("│ ", "dim"))
        text.append_text(Text.from_ansi(line, style=style))
        with suppress(BrokenPipeError):
            self.console.print(text, soft_wrap=True)
