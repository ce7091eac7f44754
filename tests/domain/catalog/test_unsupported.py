"""What is not acted on is refused, unless it asks for nothing."""

import pytest

from domain.catalog.unsupported import refuse_unsupported
from domain.kernel.validation import Reader


@pytest.mark.parametrize("value", [None, "", [], {}, False, "false"])
def test_defaults_are_accepted(value: object) -> None:
    read = Reader({"flag": value})
    refuse_unsupported(read, {"flag": False})
    assert read.errors == {}


@pytest.mark.parametrize("value", [True, "true", 0, 1, ["x"], {"a": None}, "x"])
def test_anything_else_is_refused(value: object) -> None:
    read = Reader({"flag": value})
    refuse_unsupported(read, {"flag": False})
    assert read.errors == {"flag": ["unsupported_value"]}
