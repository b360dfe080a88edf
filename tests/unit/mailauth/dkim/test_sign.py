import re

import pytest

from harness.signed_mail import DOMAIN, MESSAGE, NOW, ed25519_key, key_record, key_zone, pem, rsa_key
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import load_key, sign
from posthouse.mailauth.dkim.verify import verify
from posthouse.model.authentication import AuthResult

KEY = rsa_key()


def test_keys_from_pem() -> None:
    assert load_key(pem(KEY)).private_numbers() == KEY.private_numbers()  # type: ignore[union-attr]
    assert load_key(pem(ed25519_key())).private_bytes_raw() == ed25519_key().private_bytes_raw()  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="PEM"):
        load_key(b"no key")


def test_a_signature_is_the_same_each_time_and_its_lines_are_short() -> None:
    field = sign(SignedMessage(MESSAGE), domain=DOMAIN, selector="s", key=KEY, timestamp=NOW, expires_after=604_800)
    again = sign(SignedMessage(MESSAGE), domain=DOMAIN, selector="s", key=KEY, timestamp=NOW, expires_after=604_800)
    assert field == again
    assert field.endswith(b"\r\n")
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert f"t={NOW}; x={NOW + 604_800};".encode() in b" ".join(field.split())


def test_names_are_signed_once_more_than_they_stand_there() -> None:
    message = SignedMessage(b"List-Id: <l>\r\nCc: a@b\r\nCc: c@d\r\n" + MESSAGE)
    field = sign(message, domain=DOMAIN, selector="s", key=KEY, timestamp=NOW)
    names = re.search(rb"h=([^;]*)", field)
    assert names is not None
    signed = [name.strip() for name in names[1].split(b":")]
    assert signed.count(b"From") == 2
    assert signed.count(b"Cc") == 3
    assert signed.count(b"Reply-To") == 1
    assert signed.count(b"List-Id") == 1
    assert b"List-Post" not in signed
    assert b"Received" not in signed


@pytest.mark.parametrize(
    ("message", "options", "reason"),
    [
        (b"To: a@b\r\n\r\n", {}, "covers From"),
        (MESSAGE, {"oversigned": ["To"], "signed": []}, "covers From"),
        (MESSAGE, {"domain": "a b"}, "is no name"),
        (MESSAGE, {"selector": ""}, "is no name"),
    ],
)
def test_what_is_not_signed(message: bytes, options: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        sign(
            SignedMessage(message),
            **{"domain": DOMAIN, "selector": "s", "key": KEY, "timestamp": NOW, **options},  # type: ignore[arg-type]
        )


async def test_an_empty_body_and_very_many_fields() -> None:
    message = b"".join(b"To: a%d@example.net\r\n" % number for number in range(300)) + MESSAGE.partition(b"\r\n\r\n")[0]
    field = sign(SignedMessage(message), domain=DOMAIN, selector="s", key=KEY, timestamp=NOW)
    zone = key_zone({f"s.{DOMAIN}": key_record(KEY)})
    results = await verify(SignedMessage(field + message), zone, NOW)
    assert [one.result for one in results] == [AuthResult.PASS]
