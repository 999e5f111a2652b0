"""Bearer tokens of an OpenID Connect provider: a process of its own, over TLS, found and asked as any other is.

Nearly all that is refused here was signed by the provider itself, whose users claim what the test gives them. The
authority of its certificate is trusted by SSL_CERT_FILE; there is no setting of Airshed for one.
"""

import base64
import hashlib
import hmac
import json
import re
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import httpx
import psycopg
import pytest
import trustme
from adbc_driver_flightsql import DatabaseOptions
from conftest import airshed, environment, table
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from postgres.served import OTHERS, OWN, free_port
from serving import add_user, serve

PROGRAM = Path(__file__).parent / "oidc_provider.py"
SETTINGS = {
    "AIRSHED_SERVE_OIDC_AUDIENCE": "airshed",
    "AIRSHED_SERVE_OIDC_NAME_CLAIM": "email",
    "AIRSHED_SERVE_OIDC_ROLE_CLAIM": "groups",
    "AIRSHED_SERVE_OIDC_ROLES": "looks=viewer,carbon=analyst,audits=compliance,owns=admin",
    "AIRSHED_SERVE_OIDC_SCOPE_CLAIM": "airshed_scope",
    "AIRSHED_SERVE_REFRESH_S": "1",
    "AIRSHED_LOG": "debug",
}
TESS = {"email": "tess@acme.example", "groups": ["everybody", "carbon"], "airshed_scope": f"account={OWN}"}
BY_ACCOUNT = "SELECT account_id, count(*) FROM emissions GROUP BY 1 ORDER BY 1"
# Leeway that clocks are given, and the time that must pass between two fetches of keys.
LEEWAY_S, MINUTE_S = 60, 60
UNKNOWN = {
    "type": "about:blank",
    "title": "Unauthorized",
    "status": 401,
    "detail": "the token is not known, or no longer good",
}


# --- a provider, and a server that takes its tokens ---


@dataclass
class Provider:
    """A provider that runs, and what it is asked."""

    issuer: str
    log: Path
    client: httpx.Client
    process: subprocess.Popen
    began: float
    access_token: str = ""

    def token(self, audience="airshed", **changes):
        """The ID token of somebody who signs in, with some claims changed; a claim that is None is left out."""
        claims = {name: value for name, value in (TESS | changes).items() if value is not None}
        self.client.put("/users/tess", json=claims).raise_for_status()
        back = {"redirect_uri": "https://grafana.example/"}
        asked = {"response_type": "code", "client_id": audience, "scope": "openid email"} | back
        sent_back = self.client.post("/oauth2/authorize", params=asked, data={"sub": "tess"}).headers["location"]
        (code,) = parse_qs(urlsplit(sent_back).query)["code"]
        grant = {"grant_type": "authorization_code", "code": code} | back
        answer = self.client.post("/oauth2/token", data=grant, auth=(audience, "secret")).raise_for_status().json()
        self.access_token = answer["access_token"]
        return answer["id_token"]

    def public_key(self):
        (key,) = self.client.get("/jwks?of=tests").json()["keys"]
        e, n = (int.from_bytes(unpadded(key[name]), "big") for name in "en")
        return rsa.RSAPublicNumbers(e, n).public_key()

    def fetches(self):
        """How often servers have asked for its keys."""
        return self.log.read_text().count('"GET /jwks HTTP')


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Files of an authority of our own, and of a certificate that it gave."""
    folder = tmp_path_factory.mktemp("authority")
    authority = trustme.CA()
    given = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    given.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    given.private_key_pem.write_to_path(folder / "key.pem")
    return folder


@contextmanager
def provide(authority, log, port, *options):
    """A provider on a port, until the end or until its process is killed."""
    command = [sys.executable, PROGRAM, str(port), authority / "cert.pem", authority / "key.pem", *options]
    with open(log, "w") as output:
        process = subprocess.Popen(command, env=environment(), stdout=output, stderr=output)
    trust = ssl.create_default_context(cafile=authority / "ca.pem")
    issuer, began = f"https://localhost:{port}", time.monotonic()
    try:
        with httpx.Client(base_url=issuer, verify=trust, timeout=30) as client:
            while True:
                assert process.poll() is None and time.monotonic() - began < 60, log.read_text()
                try:
                    assert client.get("/.well-known/openid-configuration").json()["issuer"] == issuer
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield Provider(issuer, log, client, process, began)
    finally:
        process.kill()
        process.wait()


def settings(issuer, authority=None):
    trusted = {"SSL_CERT_FILE": str(authority / "ca.pem")} if authority else {}
    return SETTINGS | {"AIRSHED_SERVE_OIDC_ISSUER": issuer} | trusted


@pytest.fixture(scope="module")
def provider(authority):
    with provide(authority, authority / "provider.log", free_port()) as provider:
        yield provider


@pytest.fixture(scope="module")
def lena(folder):
    """A token of a user of the ledger."""
    return add_user(folder, "lena", "analyst", "a password of her own")


@pytest.fixture(scope="module")
def server(folder, lena, provider, authority):
    with serve(folder, [], settings(provider.issuer, authority), flight="127.0.0.1:0") as server:
        yield server
    assert "panicked" not in server.log.read_text()


@contextmanager
def another(folder, place, env):
    """A server of the same ledger that logs in a place of its own."""
    (place / "lake").symlink_to(folder / "lake")
    with serve(place, [], env) as server:
        yield server
    assert "panicked" not in server.log.read_text()


def ask(server, token, path="/v1/session", body=None):
    server.tokens["bearer"] = token
    return server.ask("bearer", path, body)


def status(server, token):
    return ask(server, token).status


def over_http(server, token, statement=BY_ACCOUNT):
    answer = ask(server, token, "/v1/sql", {"sql": statement})
    assert answer.status == 200, answer
    return [tuple(row) for row in answer.json()["rows"]]


def flight(server, **options):
    until = time.monotonic() + 30
    while not (found := re.search(r"grpc://127\.0\.0\.1:\d+", server.log.read_text())):
        assert time.monotonic() < until, server.log.read_text()
        time.sleep(0.1)
    return flightsql.connect(found[0], db_kwargs=options, autocommit=True)


def over_flight(server, token, statement=BY_ACCOUNT):
    header = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {token}"}
    with flight(server, **header) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def is_refused(server, token, flies=True):
    """Whoever presents the token is told no more than that it is not known."""
    answer = ask(server, token)
    assert (answer.status, answer.json()) == (401, UNKNOWN), answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert ask(server, token, "/v1/sql", {"sql": BY_ACCOUNT}).text == answer.text
    if flies:
        with pytest.raises(adbc_driver_manager.Error, match="the name, password or token is not known here") as refused:
            over_flight(server, token)
        assert refused.value.status_code == adbc_driver_manager.AdbcStatusCode.UNAUTHENTICATED


# --- who gets in ---


@pytest.fixture(scope="module")
def counts(folder):
    """Lines of each account, read without Airshed."""
    grouped = table(folder / "lake", "emissions").group_by("account_id").aggregate([([], "count_all")])
    counts = sorted(zip(grouped["account_id"].to_pylist(), grouped["count_all"].to_pylist(), strict=True))
    assert [account for account, _ in counts] == sorted([OWN, *OTHERS])
    return counts


@pytest.mark.parametrize("way", [over_http, over_flight])
def test_a_group_lets_in_and_the_scope_shows_its_rows(server, provider, counts, way):
    own = [(account, count) for account, count in counts if account == OWN]
    assert way(server, provider.token()) == own
    two = f"account={OWN}", f"account={OTHERS[0]}"
    shown = [(account, count) for account, count in counts if account in [OWN, OTHERS[0]]]
    assert way(server, provider.token(airshed_scope=",".join(two))) == shown
    assert way(server, provider.token(airshed_scope=two)) == shown
    assert way(server, provider.token(airshed_scope="*")) == counts
    assert way(server, provider.token(airshed_scope="account=999999999999")) == []


def test_claims_make_name_role_and_scope(server, provider):
    who = {"name": TESS["email"], "role": "analyst", "scope": [f"account={OWN}"]}
    assert ask(server, provider.token()).json() == who
    assert ask(server, provider.token(groups="carbon")).json() == who
    assert ask(server, provider.token(audience="other", aud=["other", "airshed"])).json() == who
    for groups, role in [(["looks"], "viewer"), (["looks", "audits", "carbon"], "compliance"), (["carbon", "owns"], "admin")]:
        assert ask(server, provider.token(groups=groups)).json() == who | {"role": role}
    assert ask(server, provider.token(airshed_scope="*")).json() == who | {"scope": None}


def test_a_role_may_do_what_it_may(server, provider):
    sums = "/v1/emissions?group_by=account_id&measures=energy_kwh&from=2026-10-01&to=2026-12-01"
    for groups, code in [(["looks"], 403), (["carbon"], 200)]:
        token = provider.token(groups=groups)
        answer = ask(server, token, sums)
        assert answer.status == 200 and [row["account_id"] for row in answer.json()["rows"]] == [OWN]
        asked = ask(server, token, "/v1/sql", {"sql": BY_ACCOUNT})
        assert asked.status == code and (asked.status == 200 or OWN not in asked.text), asked
    with pytest.raises(adbc_driver_manager.Error) as refused:
        over_flight(server, provider.token(groups=["looks"]))
    assert refused.value.status_code == adbc_driver_manager.AdbcStatusCode.UNAUTHORIZED


def test_a_password_of_flight_may_be_the_token_of_that_name(server, provider, counts):
    token = provider.token(airshed_scope="*")
    with flight(server, username=TESS["email"], password=token) as connection, connection.cursor() as cursor:
        cursor.execute(BY_ACCOUNT)
        assert cursor.fetchall() == counts
    with pytest.raises(adbc_driver_manager.Error, match="not known here"):
        flight(server, username="lena", password=token).cursor().execute(BY_ACCOUNT)


def test_postgres_takes_passwords_and_tokens_of_the_ledger_alone(server, provider):
    for user in [TESS["email"], "lena"]:
        address = {"host": "127.0.0.1", "port": server.port, "dbname": "airshed"}
        with pytest.raises(psycopg.OperationalError, match="password authentication failed for user"):
            psycopg.connect(**address, user=user, password=provider.token(email=user))


def sign_in(server, token):
    """The cookies of somebody who signed in to the dashboard."""
    answer = httpx.post(f"http://{server.http}/v1/session", json={"token": token})
    assert answer.status_code == 204, answer.text
    return {"airshed_session": re.match("airshed_session=([^;]+)", answer.headers["set-cookie"])[1]}


def session(server, cookies):
    return httpx.get(f"http://{server.http}/v1/session", cookies=cookies)


def test_who_signed_in_is_out_when_the_token_ends(server, provider):
    token = provider.token(exp=int(time.time()) - LEEWAY_S + 5)
    cookies = sign_in(server, token)
    assert session(server, cookies).json()["name"] == TESS["email"]
    until = time.monotonic() + 15
    while session(server, cookies).status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert session(server, cookies).json() == UNKNOWN | {"detail": "your access was changed; sign in again"}
    is_refused(server, token)


# --- who does not ---


def padded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpadded(text):
    return base64.urlsafe_b64decode(text + "==")


def forged(token, sign, header=(), **claims):
    """A token with parts of its header and its claims changed, signed otherwise."""
    head, said, _ = token.split(".")
    parts = [json.loads(unpadded(head)) | dict(header), json.loads(unpadded(said)) | claims]
    text = ".".join(padded(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{padded(sign(text.encode()))}"


STRANGER = rsa.generate_private_key(65537, 2048)


def by_stranger(text):
    return STRANGER.sign(text, padding.PKCS1v15(), hashes.SHA256())


def stranger_key():
    numbers = STRANGER.public_key().public_numbers()
    e, n = (padded(number.to_bytes(length, "big")) for number, length in [(numbers.e, 3), (numbers.n, 256)])
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "e": e, "n": n}


def unsigned(text):
    return b""


def with_secret(secret):
    return lambda text: hmac.digest(secret, text, hashlib.sha256)


def with_public_key(provider, encoding, form):
    return with_secret(provider.public_key().public_bytes(encoding, form))


def changed(provider, **claims):
    """The signature of another text."""
    token = provider.token()
    return forged(token, lambda _: unpadded(token.split(".")[2]), **claims)


HS256, HOUR_S = {"alg": "HS256"}, 3_600
PEM, DER, PKIX, PKCS1 = Encoding.PEM, Encoding.DER, PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1
REFUSED = {
    # signed by the provider
    "another audience": ("InvalidAudience", lambda p: p.token(audience="grafana")),
    "other audiences": ("InvalidAudience", lambda p: p.token(aud=["grafana", "airshed-test"])),
    "another issuer": ("InvalidIssuer", lambda p: p.token(iss="https://localhost:1")),
    "almost the issuer": ("InvalidIssuer", lambda p: p.token(iss=p.issuer + "/")),
    "expired": ("ExpiredSignature", lambda p: p.token(exp=int(time.time()) - LEEWAY_S - 5)),
    "expired long ago": ("ExpiredSignature", lambda p: p.token(exp=1)),
    "not yet good": ("ImmatureSignature", lambda p: p.token(nbf=int(time.time()) + HOUR_S)),
    "no group with a role": ("no group", lambda p: p.token(groups=["everybody", "carbon2"])),
    "no groups": ("no group", lambda p: p.token(groups=[])),
    "no claim of groups": ("no group", lambda p: p.token(groups=None)),
    "groups by another name": ("no group", lambda p: p.token(groups=None, roles=["carbon"])),
    "no scope": ("claim `airshed_scope`", lambda p: p.token(airshed_scope=None)),
    "an empty scope": ("claim `airshed_scope`", lambda p: p.token(airshed_scope="")),
    "a list of no scopes": ("claim `airshed_scope`", lambda p: p.token(airshed_scope=[])),
    "what is no scope": ("the scope cannot be read", lambda p: p.token(airshed_scope="accounts=1")),
    "no name": ("claim `email`", lambda p: p.token(email="")),
    "a user of the ledger": ("has the name of a user", lambda p: p.token(email="lena")),
    "the access token": ("", lambda p: p.token() and p.access_token),
    # signed by somebody else, or by nobody
    "another key": ("InvalidSignature", lambda p: forged(p.token(), by_stranger)),
    "a key of another name": ("no key", lambda p: forged(p.token(), by_stranger, {"kid": "stranger"})),
    "a key that the token brings": ("InvalidSignature", lambda p: forged(p.token(), by_stranger, {"jwk": stranger_key()})),
    "no algorithm": ("`none`", lambda p: forged(p.token(), unsigned, {"alg": "none"})),
    "no algorithm, in other letters": ("`nOnE`", lambda p: forged(p.token(), unsigned, {"alg": "nOnE"})),
    "no algorithm and a signature": ("`none`", lambda p: forged(p.token(), by_stranger, {"alg": "none"})),
    "no signature": ("InvalidSignature", lambda p: forged(p.token(), unsigned)),
    "the public key as a secret": ("InvalidAlgorithm", lambda p: forged(p.token(), with_public_key(p, PEM, PKIX), HS256)),
    "the same as PKCS #1": ("InvalidAlgorithm", lambda p: forged(p.token(), with_public_key(p, PEM, PKCS1), HS256)),
    "the same as DER": ("InvalidAlgorithm", lambda p: forged(p.token(), with_public_key(p, DER, PKIX), HS256)),
    "an empty secret": ("InvalidAlgorithm", lambda p: forged(p.token(), with_secret(b""), HS256)),
    "another role": ("InvalidSignature", lambda p: changed(p, groups=["owns"])),
    "another scope": ("InvalidSignature", lambda p: changed(p, airshed_scope="*")),
    "another algorithm": ("InvalidAlgorithm", lambda p: forged(p.token(), by_stranger, {"alg": "PS256"})),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(server, provider, kind):
    why, made = REFUSED[kind]
    before = server.log.stat().st_size
    is_refused(server, made(provider))
    # The log knows the reason: nothing was refused for another one.
    said = [line for line in server.log.read_bytes()[before:].decode().splitlines() if " the identity provider " in line]
    assert all(why in line for line in said) and (said or not why), said


def test_forgeries_differ_in_nothing_else(server, provider):
    token = provider.token()
    assert forged(token, lambda _: unpadded(token.split(".")[2])) == token
    assert status(server, token) == 200
    text, _, signature = forged(token, by_stranger).rpartition(".")
    STRANGER.public_key().verify(unpadded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_token_that_is_too_long_is_refused(server, provider):
    assert status(server, provider.token(more="x" * 8_000)) == 200
    is_refused(server, provider.token(more="x" * 20_000), flies=False)


def test_the_log_says_why_and_holds_no_token(server, provider):
    good, wrong = provider.token(), provider.token(audience="grafana")
    assert (status(server, good), status(server, wrong)) == (200, 401)
    log = server.log.read_text()
    assert "a token of the identity provider was refused" in log and "InvalidAudience" in log
    for part in [*good.split("."), *wrong.split(".")]:
        # Only the header is the same for all.
        assert part not in log


# --- keys ---


def is_looked_at_again(server, folder, name):
    """Waits until a new user is known: keys are looked at in the same round."""
    token = add_user(folder, name, "viewer", "a password of their own")
    until = time.monotonic() + 30
    while status(server, token) != 200:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_unknown_keys_are_no_way_to_make_the_server_ask(server, provider, folder):
    for number in range(30):
        assert status(server, forged(provider.token(), by_stranger, {"kid": f"k{number}"})) == 401
    is_looked_at_again(server, folder, "after")
    assert 1 <= provider.fetches() <= 1 + (time.monotonic() - provider.began) // MINUTE_S


UNREACHED = {
    "nobody there": "Connection refused",
    "no answer": "operation timed out",
    "a certificate of nobody": "UnknownIssuer",
    "another issuer": ", not of ",
}


@contextmanager
def issuer_with(kind, provider):
    """An issuer whose keys cannot be had."""
    if kind == "nobody there":
        yield f"https://localhost:{free_port()}"
    elif kind == "no answer":
        with socket.create_server(("127.0.0.1", 0)) as listening:
            yield f"https://localhost:{listening.getsockname()[1]}"
    else:
        yield provider.issuer + ("/" if kind == "another issuer" else "")


@pytest.mark.parametrize("kind", UNREACHED)
def test_without_keys_the_ledgers_own_come_in_alone(folder, tmp_path, lena, provider, authority, counts, kind):
    trusted = None if kind == "a certificate of nobody" else authority
    with issuer_with(kind, provider) as issuer, another(folder, tmp_path, settings(issuer, trusted)) as server:
        is_refused(server, provider.token(iss=issuer), flies=False)
        is_refused(server, provider.token(), flies=False)
        assert over_http(server, lena) == counts
        said = [line for line in server.log.read_text().splitlines() if "keys cannot be fetched" in line]
        assert said and all(UNREACHED[kind] in line for line in said), said
        is_looked_at_again(server, folder, f"beside-{server.port}")


def test_a_provider_that_goes_away_opens_nothing(folder, tmp_path, lena, authority, counts):
    port = free_port()
    with (
        provide(authority, tmp_path / "provider.log", port) as provider,
        another(folder, tmp_path, settings(provider.issuer, authority)) as server,
    ):
        good, wrong = provider.token(airshed_scope="*"), provider.token(groups=["everybody"])
        provider.process.kill()
        provider.process.wait()
        is_looked_at_again(server, folder, "later")
        # What is known of its keys is as good as before.
        assert over_http(server, good) == counts
        for token in [wrong, forged(good, by_stranger), forged(good, by_stranger, {"kid": "new"})]:
            is_refused(server, token, flies=False)
        is_looked_at_again(server, folder, "later-still")
        assert over_http(server, lena) == counts


def is_let_in_within_a_minute(server, token):
    """Of a key that is not known yet: refused, and let in once the minute is over."""
    began = time.monotonic()
    is_refused(server, token, flies=False)
    while status(server, token) != 200:
        assert time.monotonic() - began < MINUTE_S + 15, "keys are not fetched again"
        time.sleep(0.5)


@pytest.mark.large
@pytest.mark.parametrize("options", [[], ["no-kid"]], ids=["tokens name their key", "tokens name no key"])
def test_a_new_key_is_fetched_and_the_old_one_forgotten(folder, tmp_path, authority, counts, options):
    port = free_port()
    with (
        provide(authority, tmp_path / "before.log", port, *options) as provider,
        another(folder, tmp_path, settings(provider.issuer, authority)) as server,
    ):
        old = provider.token(airshed_scope="*")
        cookies = sign_in(server, old)
        assert over_http(server, old) == counts
        provider.process.kill()
        provider.process.wait()
        with provide(authority, tmp_path / "after.log", port, *options) as provider:
            new = provider.token(airshed_scope="*")
            is_let_in_within_a_minute(server, new)
            assert over_http(server, new) == counts
            is_refused(server, old, flies=False)
            assert session(server, cookies).status_code == 401
            assert provider.fetches() == 1


@pytest.mark.large
def test_a_provider_that_comes_late_is_asked_again(folder, tmp_path, authority, counts):
    port = free_port()
    with (
        another(folder, tmp_path, settings(f"https://localhost:{port}", authority)) as server,
        provide(authority, tmp_path / "provider.log", port) as provider,
    ):
        token = provider.token(airshed_scope="*")
        is_let_in_within_a_minute(server, token)
        assert over_http(server, token) == counts


# --- settings ---


def test_a_provider_without_tls_is_refused(folder):
    arguments = ["serve", "--lake", "lake", "--http", "127.0.0.1:0", "--pg", "off", "--flight", "off"]
    done = airshed(*arguments, folder=folder, code=2, env=settings("http://localhost:1"))
    assert "keys are fetched over https alone" in done.stderr
