"""The tutorial of the README, played as it is printed, gives what it prints."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import running

BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the tutorial asks for curl and jq"),
]


def test_the_tutorial_prints_what_it_says(
    tmp_path: Path, project_root: Path, plain_environment: dict[str, str]
) -> None:
    page = (project_root / "README.md").read_text()
    text = page.partition("\n## Tutorial")[2].partition("\n## ")[0]
    script, expected = [], []
    for kind, content in BLOCK.findall(text):
        if kind == "bash":
            script.append(content)
        else:
            expected += [line.strip() for line in content.splitlines()]
    with running(tmp_path, plain_environment) as installation:
        commands = "".join(script).replace("http://localhost:3000", installation.url)
        commands = commands.replace(".venv/bin/tarn", f"{sys.executable} -m cli.main")
        commands = commands.replace("docs/examples", str(project_root / "docs/examples"))
        done = subprocess.run(
            ["bash", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={
                **plain_environment, "PYTHONPATH": str(project_root), "COLUMNS": "80",
                "TARN_DATA_DIR": str(installation.place),
            },
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = (done.stdout + done.stderr).splitlines()
    assert sorted(line.strip() for line in printed) == sorted(expected)
    assert (tmp_path / "invoice.pdf").read_bytes().startswith(b"%PDF")
