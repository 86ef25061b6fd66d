"""Which variables hold secrets, and in which forms those are recognised."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from edge.release.canaries import canaries, forms

VALUE = "Gr33n-te%a/first+flush"


def of(name: str, value: str, files: dict[str, bytes] | None = None) -> set[str]:
    return canaries({name: value}, (files or {}).get).get(name, set())


@pytest.mark.parametrize(
    "name",
    [
        *("STRIPE_SECRET", "API_TOKEN", "DB_PASSWORD", "PGPASSWORD", "APIKEY", "API_KEY", "SIGNING_KEYS"),
        *("aws_secret_access_key", "SENTRY_DSN", "AUTH", "PASSWORD_SALT", "PRIVATE_KEY", "EDGEKIT_KEYS"),
    ],
)
def test_names_of_secrets(name):
    assert of(name, "k9-secret") == {"k9-secret"}


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "LANG",
        "KEYBOARD",
        "MONKEY",
        "GPG_KEY",
        "STRIPE_PUBLIC_KEY",
        "AWS_ACCESS_KEY_ID",
        "AUTH_METHOD",
    ],
)
def test_other_names(name):
    assert of(name, "k9-secret") == set()


@pytest.mark.parametrize("value", ["", "1", "true", "k9-secr", "password", "production"])
def test_values_that_stand_in_any_file_are_no_canaries(value):
    assert of("SECRET", value) == set()


def test_a_long_word_is_one():
    assert of("SECRET", "correcthorsebattery") == {"correcthorsebattery"}


def test_an_address_has_a_password_whatever_the_variable_is_called():
    assert of("STORE", "postgres://app:s3cr3t%40x@db/tea") == {"s3cr3t%40x", "s3cr3t@x"}
    assert of("AUTH_URL", "https://login.example.com/authorize") == set()
    assert of("STORE", "http://[") == set()


def test_a_file_that_is_named_is_read():
    assert of("DB_PASSWORD_FILE", "/run/secrets/db", {"/run/secrets/db": b"s3cr3t-of-db\n"}) == {
        "s3cr3t-of-db"
    }
    assert of("SSH_AUTH_FILE", "/run/no/such/file-1") == set()
    assert of("NOTES", "/run/secrets/db", {"/run/secrets/db": b"s3cr3t-of-db\n"}) == set()


def test_of_a_key_set_the_private_members_count():
    public, private = "pub1-abcdefghijk", "prv1-abcdefghijk"
    jwks = {
        "keys": [{"kty": "EC", "x": public, "d": private, "kid": public}, {"kty": "oct", "k": private + "2"}]
    }
    assert of("EDGEKIT_KEYS", json.dumps(jwks)) == {private, private + "2"}
    assert of("EDGEKIT_KEYS", "/keys.json", {"/keys.json": json.dumps(jwks).encode()}) == {
        private,
        private + "2",
    }


def test_of_a_document_the_members_with_such_names_count():
    account = {"type": "service_account", "private_key": "line1\nline2", "client_email": "tea@example.com"}
    assert of("GOOGLE_CREDENTIALS", json.dumps(account)) == {"line1\nline2"}


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        repr(VALUE),
        json.dumps({"key": VALUE}),
        f"https://x.test/?key={quote(VALUE, safe='')}",
        VALUE.encode().hex(),
        VALUE.encode().hex().upper(),
        *(
            base64.b64encode(b"-" * n + VALUE.encode() + b"*" * m).decode()
            for n in range(4)
            for m in range(4)
        ),
        *(base64.urlsafe_b64encode(b"-" * n + VALUE.encode()).decode() for n in range(4)),
    ],
)
def test_forms_in_which_it_is_recognised(written):
    assert any(form in written.encode() for form in forms(VALUE))


def test_lines_of_a_key_are_recognised_in_a_string():
    assert any(form in json.dumps("one\ntwo-three").encode() for form in forms("one\ntwo-three"))


def test_other_text_is_not_recognised():
    other = "Gr33n-te%a/second+flush"
    haystack = [other, other.encode().hex(), base64.b64encode(other.encode()).decode()]
    assert not any(form in text.encode() for text in haystack for form in forms(VALUE))
