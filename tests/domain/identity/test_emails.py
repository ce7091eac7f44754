from __future__ import annotations

import pytest

from domain.identity.emails import cleaned_email, email_problem


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        (" a@b.c ", "a@b.c"),
        ("A@B.C", "A@B.C"),
        ("a\u200bb\ufeff@c\u2011d.e", "ab@c-d.e"),
        ("a\u2013b\u2212c@d.e", "a-b-c@d.e"),
        ("a\nb@c.d", "ab@c.d"),
    ],
)
def test_what_nobody_sees_is_taken_out(written: str, cleaned: str) -> None:
    assert cleaned_email(written) == cleaned


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("a@b.c", None),
        ("a@localhost", None),
        ("", "value_is_mandatory"),
        ("nobody", "invalid_email_format"),
        ("a@b@c", "invalid_email_format"),
        ("a b@c.d", "invalid_email_format"),
        ("@b.c", "invalid_email_format"),
        ("a@" + "b" * 300, "value_is_too_long"),
    ],
)
def test_a_wrong_address_is_named(email: str, problem: str | None) -> None:
    assert email_problem(email) == problem
