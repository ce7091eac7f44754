from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import jwt as pyjwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infrastructure import jwt
from tests.infrastructure.conftest import Configure

SECRET = "the-secret-key-base-of-the-tests-0123456789"
NOW = 1_800_000_000


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.fixture(scope="module")
def rsa_pem() -> str:
    return pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture(autouse=True)
def secret(configure: Configure) -> None:
    configure(SECRET_KEY_BASE=SECRET)


def test_a_login_token_carries_what_the_dashboard_expects_and_nothing_else() -> None:
    with time_machine.travel(NOW, tick=False):
        token = jwt.issue("u1", login_method="email_password")
        assert pyjwt.get_unverified_header(token)["alg"] == "HS256"
        assert pyjwt.decode(token, SECRET, algorithms=["HS256"]) == {
            "sub": "u1",
            "exp": NOW + 10_800,
            "login_method": "email_password",
        }
        claims = jwt.decode(token)
    assert (claims.user_id, claims.login_method, claims.expires_at) == ("u1", "email_password", NOW + 10_800)


def test_a_token_is_expired_after_three_hours() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        token = jwt.issue("u1")
        clock.shift(10_799)
        assert jwt.decode(token).user_id == "u1"
        clock.shift(1)
        with pytest.raises(jwt.Expired):
            jwt.decode(token)
        with pytest.raises(jwt.Expired):
            jwt.renewed(token)


def test_a_token_is_renewed_only_in_its_last_hour_with_its_claims() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        token = jwt.issue("u1", login_method="okta")
        clock.shift(7_200)
        assert jwt.renewed(token) is None
        clock.shift(1)
        fresh = jwt.renewed(token)
        assert fresh is not None
        claims = jwt.decode(fresh)
    assert (claims.user_id, claims.extra, claims.expires_at) == ("u1", {"login_method": "okta"}, NOW + 18_001)


def forged(claims: dict[str, Any], key: str = SECRET, algorithm: str = "HS256") -> str:
    return pyjwt.encode(claims, key, algorithm=algorithm)


def unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": "u1", "exp": NOW * 2})
    return ".".join(b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "é.é.é",
        "A" * 100_000,
        unsigned(),
        forged({"sub": "u1", "exp": NOW * 2}, key="another secret, another secret, another"),
        forged({"sub": "u1", "exp": NOW * 2}, algorithm="HS512"),
        forged({"sub": "u1"}),
        forged({"exp": NOW * 2}),
        forged({"sub": 7, "exp": NOW * 2}),
        forged({"sub": "u1", "exp": "soon"}),
    ],
)
def test_what_this_server_did_not_issue_is_invalid(token: str) -> None:
    with pytest.raises(jwt.Invalid):
        jwt.decode(token)


def test_a_webhook_signature_is_checked_with_the_public_key(configure: Configure, rsa_pem: str) -> None:
    configure(RSA_PRIVATE_KEY=rsa_pem)
    body = '{"webhook_type":"invoice.created"}'
    claims = pyjwt.decode(
        jwt.webhook_signature(body, "https://billing.example"),
        jwt.public_key_pem(),
        algorithms=["RS256"],
        issuer="https://billing.example",
    )
    assert claims == {"data": body, "iss": "https://billing.example"}
    assert b64decode(jwt.public_key_base64()).decode() == jwt.public_key_pem()


def test_the_private_key_is_read_in_the_three_forms_people_write_it(configure: Configure, rsa_pem: str) -> None:
    found = set()
    for form in (rsa_pem, rsa_pem.replace("\n", "\\n"), b64encode(rsa_pem.encode()).decode()):
        configure(RSA_PRIVATE_KEY=form)
        found.add(jwt.public_key_pem())
    assert len(found) == 1


@pytest.mark.parametrize(
    "text", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "AAAA"]
)
def test_a_key_that_cannot_be_read_is_named_in_a_sentence(configure: Configure, text: str) -> None:
    configure(RSA_PRIVATE_KEY=text)
    with pytest.raises(jwt.KeyProblem, match="RSA_PRIVATE_KEY"):
        jwt.webhook_signature("{}", "x")


def test_a_key_of_another_kind_is_refused(configure: Configure) -> None:
    configure(RSA_PRIVATE_KEY=pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(jwt.KeyProblem, match="not an RSA key"):
        jwt.public_key_pem()
