"""The billing cases of `shared/scenarios` that pass are played here, so that none is lost again.

`passing.txt` lists them, one `area/id` a line. To see what else passes by now and write it down:

    TARN_ALL_CASES=1 pytest tests/scenarios/test_cases.py -k all_cases -s
"""

from __future__ import annotations

import importlib.util
import json
import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.installation import Installation

pytestmark = pytest.mark.slow

LIST = Path(__file__).with_name("passing.txt")
PASSING = LIST.read_text().split()
AT_A_TIME = 4


@pytest.fixture(scope="module")
def driver(shared: Path) -> ModuleType:
    """`run_cases.py` as a module."""
    spec = importlib.util.spec_from_file_location("run_cases", shared / "scenarios" / "run_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, Any]:
    """All cases by `area/id`."""
    return {
        f"{file.stem}/{case['id']}": case
        for file in sorted((shared / "scenarios" / "cases").glob("*.json"))
        for case in json.loads(file.read_text(), parse_float=Decimal)
    }


def played(driver: ModuleType, installation: Installation, name: str, case: Any) -> dict[str, Any]:
    result: dict[str, Any] = driver.play(driver.Adapter(installation.url), name.partition("/")[0], case)
    return result


@pytest.mark.parametrize("name", PASSING)
def test_a_case_that_passed_still_passes(
    driver: ModuleType, installation: Installation, cases: dict[str, Any], name: str
) -> None:
    result = played(driver, installation, name, cases[name])
    assert result["ok"], f"step {result['step']}, {result['title']}: {result['problems']}"


@pytest.mark.skipif("TARN_ALL_CASES" not in os.environ, reason="looks for more cases that pass; TARN_ALL_CASES=1")
def test_all_cases_are_played_and_those_that_pass_written_down(
    driver: ModuleType, installation: Installation, cases: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(pool.map(lambda name: played(driver, installation, name, cases[name]), cases))
    driver.report(results)
    LIST.write_text("".join(f"{name}\n" for name, result in zip(cases, results, strict=True) if result["ok"]))
    lost = set(PASSING) - set(LIST.read_text().split())
    assert not lost, f"no longer passing: {sorted(lost)}"
