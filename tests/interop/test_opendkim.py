"""OpenDKIM of Debian as a second opinion, both ways, in its test mode: keys from a file, messages from files."""

import random
import re
import subprocess
import time
from pathlib import Path

import pytest

from harness.debian_programs import program
from harness.signed_mail import DOMAIN, altered, generated, key_record, key_zone, pem, rsa_key
from posthouse.mailauth.dkim.message import SignedMessage
from posthouse.mailauth.dkim.sign import sign
from posthouse.mailauth.dkim.verify import verify
from posthouse.model.authentication import AuthResult

KEY = rsa_key()
FORMS = ("simple", "relaxed")
MESSAGES = 120


def opendkim(directory: Path, settings: str, files: list[Path]) -> str:
    """What it says about the files, in their order."""
    configuration = directory / "opendkim.conf"
    configuration.write_text(settings + "\nSyslog no\nRequireSafeKeys no\n")
    done = subprocess.run(
        [program("opendkim", "opendkim"), "-x", str(configuration), "-t", ",".join(map(str, files)), "-v", "-v"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return done.stdout.decode("latin-1")


def messages(seed: int) -> list[bytes]:
    """One author of the signing domain, white space behind colons, ASCII: what OpenDKIM and its file reader want."""
    chance = random.Random(seed)
    found: list[bytes] = []
    while len(found) < MESSAGES:
        header, _, body = generated(chance).partition(b"\r\n\r\n")
        header = re.sub(rb"(?m)^([!-9;-~]+):[ \t]*", rb"\1: ", header)
        body = body.replace(b"\xff", b"y").removesuffix(b"\r\n").removesuffix(b"x") + b"\r\n"
        if header.isascii():
            header = b"From: Joe <joe@example.org>\r\n" + re.sub(rb"(?mi)^from:", b"X-From:", header)
            found.append(header + b"\r\n\r\n" + body)
    return found


def written(directory: Path, octets: list[bytes]) -> list[Path]:
    files = [directory / f"{number}.eml" for number in range(len(octets))]
    for file, message in zip(files, octets, strict=True):
        file.write_bytes(message)
    return files


@pytest.mark.parametrize("seed", [1, 2])
async def test_we_sign_and_both_verify(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    signed: list[bytes] = []
    for number, message in enumerate(messages(seed)):
        field = sign(
            SignedMessage(message),
            domain=DOMAIN,
            selector="s",
            key=KEY,
            timestamp=int(time.time()),
            header_form=chance.choice(FORMS),
            body_form=chance.choice(FORMS),
        )
        octets = field + message
        signed.append(altered(octets, octets.index(b"\r\n\r\n"), chance) if number % 2 else octets)
    keys = tmp_path / "keys"
    keys.write_text(f"s._domainkey.{DOMAIN} {key_record(KEY)}\n")
    said = opendkim(tmp_path, f"Mode v\nTestPublicKeys {keys}", written(tmp_path, signed))
    verdicts = dict(re.findall(r"/([0-9]+)\.eml: verification .* (succeeded|failed)", said))
    theirs = [verdicts[str(number)] == "succeeded" for number in range(MESSAGES)]
    zone = key_zone({f"s.{DOMAIN}": key_record(KEY)})
    ours = [(await verify(SignedMessage(octets), zone, time.time()))[0].result is AuthResult.PASS for octets in signed]
    assert ours == theirs, [signed[place] for place in range(MESSAGES) if ours[place] != theirs[place]]
    assert MESSAGES // 2 <= sum(ours) < MESSAGES


@pytest.mark.parametrize("form", ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"])
async def test_opendkim_signs_and_we_verify(tmp_path: Path, form: str) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(pem(KEY))
    key.chmod(0o600)
    plain = messages(len(form))
    said = opendkim(
        tmp_path,
        f"Mode s\nKeyFile {key}\nDomain {DOMAIN}\nSelector s\nCanonicalization {form}\nSignatureAlgorithm rsa-sha256",
        written(tmp_path, plain),
    )
    fields = re.findall(r"hname='DKIM-Signature' hvalue='([^']*)'", said)
    assert len(fields) == MESSAGES
    zone = key_zone({f"s.{DOMAIN}": key_record(KEY)})
    for field, message in zip(fields, plain, strict=True):
        octets = b"DKIM-Signature: " + field.encode("latin-1").replace(b"\n", b"\r\n") + b"\r\n" + message
        results = await verify(SignedMessage(octets), zone, time.time())
        assert [one.result for one in results] == [AuthResult.PASS], octets
