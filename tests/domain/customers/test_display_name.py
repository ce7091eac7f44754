"""What a customer is called."""

import pytest

from domain.customers.display_name import display_name


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        ((None, None, None, None), ""),
        (("Hooli", None, None, None), "Hooli"),
        (("Hooli", "Hooli Inc.", None, None), "Hooli Inc."),
        (("Hooli", None, "Gavin", None), "Hooli - Gavin"),
        (("Hooli", None, "Gavin", "Belson"), "Hooli - Gavin Belson"),
        ((None, None, "Gavin", "Belson"), "Gavin Belson"),
        (("", "", "", "Belson"), "Belson"),
    ],
)
def test_the_legal_name_comes_first_and_the_person_after_it(parts: tuple[str | None, ...], shown: str) -> None:
    assert display_name(*parts) == shown
