"""Keys that pages have to contain pass the search for secrets (case P21), and no secret does with them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from edge.release import literals, secret_kinds
from edge.release.public_keys import is_point, is_public

A = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7b"
HEX = "9f86d081884c7d659a2feaa0c55ad015"
EC, ED, RSA = (
    ec.generate_private_key(ec.SECP256R1()),
    ed25519.Ed25519PrivateKey.generate(),
    rsa.generate_private_key(65537, 2048),
)
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
SPKI, PKCS1 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1
PLAIN = serialization.NoEncryption()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tea.example")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(EC.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(EC, hashes.SHA256())


POINT = base64url(
    EC.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
)
NUMBERS = EC.public_key().public_numbers()
JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": base64url(NUMBERS.x.to_bytes(32, "big")),
    "y": base64url(NUMBERS.y.to_bytes(32, "big")),
    "kid": base64url(bytes(range(100, 132))),
}
PRIVATE_JWK = JWK | {"d": base64url(EC.private_numbers().private_value.to_bytes(32, "big"))}
CERTIFICATE = certificate()
PUBLIC_PEMS = [
    *(key.public_key().public_bytes(PEM, SPKI).decode() for key in (EC, ED, RSA)),
    RSA.public_key().public_bytes(PEM, PKCS1).decode(),
    CERTIFICATE.public_bytes(PEM).decode(),
]
FIREBASE = f'const firebaseConfig = {{\n  apiKey: "AIzaSy{A[:33]}",\n  authDomain: "t.firebaseapp.com",\n}};'
ANON = ".".join(
    base64url(json.dumps(part).encode()) if isinstance(part, dict) else part
    for part in ({"alg": "HS256"}, {"iss": "supabase", "role": "anon"}, "s" * 43)
)
SERVICE = ".".join(
    base64url(json.dumps(part).encode()) if isinstance(part, dict) else part
    for part in ({"alg": "HS256"}, {"iss": "supabase", "role": "service_role"}, "s" * 43)
)


def kinds(path: str, source: str) -> set[str]:
    content = source.encode()
    found = [*literals.find(path, content), *secret_kinds.find(content, own=True)]
    return {hit.kind for hit in found}


def lines_of(pem: str) -> str:
    """As a JavaScript array of its lines."""
    return "const pem = [" + ", ".join(f'"{line}"' for line in pem.splitlines()) + "].join('\\n');"


PUBLIC = [
    ("a.html", '<div class="g-recaptcha" data-sitekey="6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"></div>'),
    ("a.py", 'RECAPTCHA_SITE_KEY = "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"'),
    ("a.py", f'STRIPE_PUBLISHABLE_KEY = "pk_test_{A}"'),
    ("a.js", f"const stripe = Stripe('pk_live_{A}');"),
    ("a.js", f'const api_key = "pk_test_{A}";'),
    ("a.js", f'const vapid = "{POINT}";'),
    ("a.py", f'VAPID_PUBLIC_KEY = "{POINT}"'),
    ("a.js", f'subscribe({{ applicationServerKey: "{POINT}" }});'),
    ("a.js", FIREBASE),
    ("a.py", f'GOOGLE_MAPS_API_KEY = "AIzaSy{A[:33]}"'),
    ("a.html", f'<script src="https://maps.googleapis.com/maps/api/js?key=AIzaSy{A[:33]}"></script>'),
    ("a.js", f'mapboxgl.accessToken = "pk.eyJ1IjoidGVhIiwiYSI6ImFiYyJ9.{A[:22]}";'),
    ("a.js", f'Sentry.init({{ dsn: "https://{HEX}@o123.ingest.sentry.io/456" }});'),
    ("a.js", f'docsearch({{ appId: "ABCDEF1234", apiKey: "{HEX}", indexName: "tea" }});'),
    ("a.js", f'const ALGOLIA_SEARCH_API_KEY = "{HEX}";'),
    ("a.js", f'createClient(url, "{ANON}");'),
    ("a.js", f'const turnstile = {{ sitekey: "0x4AAAAAAA{A[:15]}" }};'),
    ("a.js", f'posthog.init("phc_{A}");'),
    ("a.py", f'KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{A}"'),
    ("a.py", f'KEY = "AAAAC3NzaC1lZDI1NTE5AAAAI{A}"'),
    ("a.json", json.dumps(JWK)),
    ("a.json", json.dumps({"keys": [JWK, JWK]}, indent=2)),
    ("a.py", f"KEY = {JWK}"),
    ("a.js", f'const key = {{ kty: "EC", crv: "P-256", x: "{JWK["x"]}", y: "{JWK["y"]}" }};'),
    *[("a.pem", pem) for pem in PUBLIC_PEMS],
    *[("a.js", lines_of(pem)) for pem in PUBLIC_PEMS],
    *[("a.py", f'KEY = """{pem}"""') for pem in PUBLIC_PEMS],
    *[("a.js", f'const der = "{"".join(pem.splitlines()[1:-1])}";') for pem in PUBLIC_PEMS],
]


@pytest.mark.parametrize(("path", "source"), PUBLIC, ids=range(len(PUBLIC)))
def test_public_keys_pass(path, source):
    assert kinds(path, source) == set()


SECRET = [
    ("a.py", 'RECAPTCHA_SECRET_KEY = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"'),
    ("a.py", f'STRIPE_KEY = "sk_test_{A}"'),
    ("a.py", f'PUBLIC_KEY = "sk_live_{A}"'),
    ("a.py", f'VAPID_PRIVATE_KEY = "{PRIVATE_JWK["d"]}"'),
    ("a.py", f'GEMINI_API_KEY = "AIzaSy{A[:33]}"'),
    ("a.js", f'const algoliaAdminApiKey = "{HEX}";'),
    ("a.js", f'const apiKey = "{HEX}";'),
    ("a.js", f'mapboxgl.accessToken = "sk.eyJ1IjoidGVhIiwiYSI6ImFiYyJ9.{A[:22]}";'),
    ("a.js", f'Sentry.init({{ dsn: "https://{HEX}:{HEX[::-1]}@sentry.io/456" }});'),
    ("a.js", f'createClient(url, "{SERVICE}");'),
    ("a.json", json.dumps(PRIVATE_JWK)),
    ("a.js", f'const key = {{ kty: "EC", crv: "P-256", d: "{PRIVATE_JWK["d"]}" }};'),
    ("a.json", json.dumps(JWK | {"client_secret": HEX})),
    ("a.js", f'const near = "pk_test_{A}"; const token = "{A[::-1]}";'),
    *[
        ("a.js", f'const der = "{base64.b64encode(key.private_bytes(DER, form, PLAIN)).decode()}";')
        for key in (EC, RSA)
        for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL)
    ],
    (
        "a.js",
        'const der = "{}";'.format(
            base64.b64encode(
                EC.private_bytes(
                    DER, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"tea")
                )
            ).decode()
        ),
    ),
    ("a.js", lines_of(EC.private_bytes(PEM, serialization.PrivateFormat.PKCS8, PLAIN).decode())),
]


@pytest.mark.parametrize(("path", "source"), SECRET, ids=range(len(SECRET)))
def test_secrets_of_the_same_makers_do_not(path, source):
    assert kinds(path, source) != set()


def test_a_point_lies_on_its_curve():
    data = bytearray(base64.urlsafe_b64decode(POINT + "="))
    assert is_point(POINT)
    data[40] ^= 1
    assert not is_point(base64url(bytes(data)))


@pytest.mark.parametrize(
    "text", ["", "M", "MA", "MIIB", "MFk!", "M" * 24, base64url(b"\x30\x84\x7f\xff\xff\xff")]
)
def test_what_is_cut_off_or_no_key_at_all(text):
    assert not is_public("", text)
