"""Which bytes look like a secret, and which only remind of one. No secret in here is one."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edge.release.secret_kinds import find

A, D = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7b", "0123456789"
JWS = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (b'{"alg":"ES256"}', b'{"sub":"x"}', b"s" * 64)
)
JWE = ".".join(
    [base64.urlsafe_b64encode(b'{"alg":"dir"}').rstrip(b"=").decode(), "", "i" * 16, "c" * 40, "t" * 22]
)


def kinds(text: str | bytes, *, own: bool = True) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    return [hit.kind for hit in find(b"before '" + content + b"' after", own=own)]


def pem(key: object, form: serialization.PrivateFormat, *, password: bytes = b"") -> str:
    cipher = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, cipher).decode()


ED = ed25519.Ed25519PrivateKey.generate()
EC = ec.generate_private_key(ec.SECP256R1())
PEMS = [
    pem(ED, serialization.PrivateFormat.PKCS8),
    pem(ED, serialization.PrivateFormat.OpenSSH),
    pem(EC, serialization.PrivateFormat.TraditionalOpenSSL),
    pem(EC, serialization.PrivateFormat.TraditionalOpenSSL, password=b"tea"),
    pem(EC, serialization.PrivateFormat.PKCS8, password=b"tea"),
]


@pytest.mark.parametrize("key", PEMS, ids=lambda key: key.splitlines()[0])
@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        json.dumps,
        lambda key: key.replace("\n", "\r\n"),
        lambda key: "(\n" + "\n".join(f"    '{line}\\n'" for line in key.splitlines()) + "\n)",
        lambda key: " +\n".join(f'"{line}\\n"' for line in key.splitlines()),
    ],
    ids=["file", "python", "json", "windows", "joined strings", "added strings"],
)
def test_private_keys_however_they_are_written(key, write):
    assert kinds(write(key), own=False) == ["private key"]


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----",
        "if line.startswith('-----BEGIN RSA PRIVATE KEY-----'): begin()",
        "-----BEGIN PUBLIC KEY-----\\n" + A * 2 + "\\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\\n" + A * 2 + "\\n-----END CERTIFICATE-----",
    ],
)
def test_what_only_speaks_of_keys(text):
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("AWS access key", "AKIA" + "ABCDEFGH234567IJ"),
        ("Azure storage key", "AccountKey=" + "a" * 86 + "=="),
        ("Anthropic key", "sk-ant-" + "api03-" + A),
        ("DigitalOcean token", "dop_v1_" + "0a" * 32),
        ("Discord webhook", "https://discord.com/api/webhooks/" + D + "/" + "a" * 68),
        ("Docker token", "dckr_pat_" + A[:27]),
        ("GitHub token", "ghp_" + A[:36]),
        ("GitHub token", "github_pat_" + A + A),
        ("GitLab token", "glpat-" + A[:20]),
        ("Google API key", "AIza" + A[:35]),
        ("Google OAuth secret", "GOCSPX-" + A[:28]),
        ("Hugging Face token", "hf_" + "aBcDeF" * 5 + "aBcD"),
        ("Mailgun key", "key-" + "0a" * 16),
        ("npm token", "npm_" + A[:36]),
        ("OpenAI key", "sk-proj-" + A + "T3BlbkFJ" + A),
        ("PyPI token", "pypi-AgE" + A + A),
        ("SendGrid key", "SG." + A[:22] + "." + (A + A)[:43]),
        ("Shopify token", "shpat_" + "0a" * 16),
        ("Slack token", "xoxb-" + D + "-" + A[:24]),
        ("Slack webhook", "https://hooks.slack.com/services/T" + "0A" * 4 + "/B" + "0A" * 4 + "/" + A[:24]),
        ("Square secret", "sq0csp-" + (A + A)[:43]),
        ("Stripe key", "sk_live_" + A[:24]),
        ("Stripe key", "rk_test_" + A[:24]),
        ("Stripe webhook secret", "whsec_" + A[:32]),
        ("Telegram bot token", D[:9] + ":AA" + A[:33]),
        ("Vault token", "hvs." + A[:24]),
        ("private key", "AGE-SECRET-KEY-1" + "QPZRY9X8GF" * 5 + "QPZRY9X8"),
        ("private key", "PuTTY-User-Key-File-3: ssh-ed25519"),
    ],
)
def test_keys_of_known_services_in_any_file(kind, text):
    assert kinds(text, own=False) == [kind]
    assert kinds(b"\x80" + text.encode() + b"\0", own=False) == [kind]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("token (JWT)", JWS),
        ("token (JWT)", JWE),
        ("private JWK", '{"kty":"EC","crv":"P-256","x":"a","d":"' + A + '"}'),
        ("private JWK", '{"k": "' + A + '", "kty": "oct"}'),
        ("private JWK", "{'d': '" + A + "', 'kty': 'EC'}"),
        ("address with a password", "postgres://app:s3cr3t@db.internal/tea"),
        ("address with a password", "redis://:s3cr3t@cache:6379/0"),
        ("address with a password", "mongodb+srv://app:p%40ss1@cluster0.example.net"),
    ],
)
def test_what_documentation_shows_is_looked_for_in_the_projects_files_only(kind, text):
    assert kinds(text) == [kind]
    assert kinds(text, own=False) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"kty":"EC","crv":"P-256","x":"' + A + '","y":"' + A + '"}',
        "eyJhbGciOiJub3BlIg.a.b",  # too short
        "eyJ" + "!" * 20,
        "eyJub3QiOiJoZWFkZXIifQ." + A + "." + A,
        "https://example.com:8080/user@example.com",
        "postgres://user:password@host/db",
        "postgres://tea:tea@localhost/tea",
        "postgres://{user}:{password}@host/db",
        "postgres://app:${PASSWORD}@host/db",
        "https://user:***@host/",
        "AKIAIOSFODNN7EXAMPLE",
        "task_live_" + A,
        "sk_livery_" + A,
        "monkey-" + "0a" * 16,
    ],
)
def test_what_only_looks_alike(text):
    assert kinds(text) == []


def test_where_it_stands():
    (hit,) = find(b"x = '" + b"ghp_" + A[:36].encode() + b"'", own=True)
    assert (hit.start, hit.end) == (5, 45)
