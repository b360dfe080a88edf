import base64
import bz2
import gzip
import lzma
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.attached import (
    EICAR,
    cd_image,
    gzip_of_zeros,
    locked_zip,
    message,
    nested_zip,
    ole,
    overlapping_zip,
    tarred,
    windows_program,
    word,
    zip_that_declares,
    zipped,
)
from posthouse.attachments.inspect import MAX_OF_A_KIND, _body, _leaves, attached, inspect, may_have_attachments
from posthouse.attachments.limits import Limits
from posthouse.model.content import ContentKind as K
from posthouse.protocol.mime.scan import scan

LIMITS = Limits()
EXE = windows_program()


def found(octets: bytes, limits: Limits = LIMITS) -> set[tuple[K, str, str]]:
    return {(each.kind, each.name, each.detail) for each in inspect(octets, limits)}


def test_a_message_of_text_has_no_attachments() -> None:
    alternative = (
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n\r\nHello\r\n'
        b"--b\r\nContent-Type: text/html\r\n\r\n<script>no file</script>\r\n--b--\r\n"
    )
    assert attached(alternative) == ()
    assert inspect(alternative, LIMITS) == ()


@pytest.mark.parametrize(
    ("header", "may"),
    [
        (b"Subject: x\r\n", False),
        (b"content-type: text/plain; charset=utf-8\r\n", False),
        (b"Content-Type: text/html\r\n", False),
        (b'Content-Type: text/plain; name="x.js"\r\n', True),
        (b"Content-Type:\r\n text/plain;\r\n NAME*=x\r\n", True),
        (b"Content-Disposition: attachment\r\n", True),
        (b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n", True),
        (b"Content-Type: text/plain\r\nContent-Type: application/zip\r\n", True),
        (b"Content-Type: application/pdf\r\n", True),
    ],
)
def test_the_header_tells_whether_a_look_is_needed(header: bytes, may: bool) -> None:
    assert may_have_attachments(header) is may


@pytest.mark.parametrize(
    ("name", "octets", "expected"),
    [
        ("setup.exe", EXE, {(K.EXECUTABLE, "setup.exe", "pe")}),
        ("photo.dat", b"\x7fELF" + b"\0" * 60, {(K.EXECUTABLE, "photo.dat", "elf")}),
        ("list.txt", b"MZ is how this list begins, and it is only text " * 3, set()),
        ("invoice.pdf", EXE, {(K.EXECUTABLE, "invoice.pdf", "pe"), (K.DISGUISED, "invoice.pdf", "type")}),
        ("invoice.pdf.exe", EXE, {(K.EXECUTABLE, "invoice.pdf.exe", "pe"), (K.DISGUISED, "invoice.pdf.exe", "double")}),
        ("call.js", b"WScript.Shell", {(K.SCRIPT, "call.js", "js")}),
        ("run", b"#!/bin/sh\nrm -rf /\n", {(K.SCRIPT, "run", "shebang")}),
        ("www.example.com", b"only an address", set()),
        ("old.com", b"\xb4\x09\xba\x00\x01", {(K.EXECUTABLE, "old.com", "com")}),
        ("disk.iso", cd_image(), {(K.DISK_IMAGE, "disk.iso", "iso")}),
        ("disk.dat", cd_image(), {(K.DISK_IMAGE, "disk.dat", "iso")}),
        ("page.html", b"<html><script>x()</script>", {(K.ACTIVE_HTML, "page.html", "script")}),
        (
            "page.html",
            b"\xff\xfe" + "<html><body onload=x()>".encode("utf-16-le"),
            {(K.ACTIVE_HTML, "page.html", "script")},
        ),
        ("logo.svg", b"<svg xmlns='x'><circle/></svg>", set()),
        ("logo.svg", b"<svg onload = 'x()'>", {(K.ACTIVE_HTML, "logo.svg", "script")}),
        ("letter.docx", word(macros=False), set()),
        (
            "letter.docx",
            word(macros=True),
            {(K.MACRO, "letter.docx", "vba"), (K.MACRO, "letter.docx/word/vbaProject.bin", "vba")},
        ),
        ("letter.doc", ole("Macros", "_VBA_PROJECT"), {(K.MACRO, "letter.doc", "vba")}),
        ("letter.doc", ole("WordDocument"), set()),
        ("letter.docx", ole("EncryptedPackage"), {(K.ENCRYPTED, "letter.docx", "office")}),
        ("setup.msi", ole("File", installer=True), {(K.EXECUTABLE, "setup.msi", "msi")}),
        (
            "game.jar",
            zipped({"META-INF/MANIFEST.MF": b"x", "A.class": b"\xca\xfe\xba\xbe\0\0"}),
            {(K.EXECUTABLE, "game.jar", "java"), (K.EXECUTABLE, "game.jar/A.class", "java")},
        ),
        ("a.zip", zipped({"b/c.exe": EXE, "d.txt": b"text"}), {(K.EXECUTABLE, "a.zip/b/c.exe", "pe")}),
        ("a.zip", zipped({"b/c.exe": EXE}, stored=True), {(K.EXECUTABLE, "a.zip/b/c.exe", "pe")}),
        ("a.zip", locked_zip({"c.exe": EXE}), {(K.ENCRYPTED, "a.zip", "zip"), (K.EXECUTABLE, "a.zip/c.exe", "exe")}),
        ("a.zip", b"stub" + zipped({"c.exe": EXE}), {(K.EXECUTABLE, "a.zip/c.exe", "pe")}),
        ("a.tar", tarred({"c.exe": EXE}), {(K.EXECUTABLE, "a.tar/c.exe", "pe")}),
        (
            "a.tar",
            tarred({"n" * 150 + "/c.exe": EXE}, form=tarfile.GNU_FORMAT),
            {(K.EXECUTABLE, "…" + "n" * 113 + "/c.exe", "pe")},
        ),
        ("a.tgz", gzip.compress(tarred({"x.txt": b"t" * 9000, "c.exe": EXE})), {(K.EXECUTABLE, "a.tgz/c.exe", "pe")}),
        (
            "a.tar.bz2",
            bz2.compress(tarred({"c.zip": zipped({"d.exe": EXE})})),
            {(K.EXECUTABLE, "a.tar.bz2/c.zip/d.exe", "pe")},
        ),
        (
            "a.tar.xz",
            lzma.compress(tarred({"é" * 60 + ".exe": EXE})),
            {(K.EXECUTABLE, "a.tar.xz/" + "é" * 60 + ".exe", "pe")},
        ),
        ("c.exe.gz", gzip.compress(EXE), {(K.EXECUTABLE, "c.exe.gz/c.exe", "pe")}),
        (
            "logo.svgz",
            gzip.compress(b"<svg><script>x</script></svg>"),
            {(K.ACTIVE_HTML, "logo.svgz/logo.svg", "script")},
        ),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\x04", {(K.UNOPENED, "a.7z", "7z")}),
        ("a.rar", b"Rar!\x1a\x07\x01\0", {(K.UNOPENED, "a.rar", "rar")}),
        ("a.eml", message(("c.exe", EXE)), {(K.EXECUTABLE, "c.exe", "pe")}),
        ("a.zip", zipped({"iso.img": cd_image()}), {(K.DISK_IMAGE, "a.zip/iso.img", "iso")}),
        ("a\u202efdp.exe", EXE, {(K.EXECUTABLE, "a\ufffdfdp.exe", "pe"), (K.DISGUISED, "a\ufffdfdp.exe", "turned")}),
        (
            "note.one",
            bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
            + b"\0" * 100
            + bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
            + b"\0" * 20
            + EXE,
            {(K.EXECUTABLE, "note.one", "pe")},
        ),
    ],
)
def test_what_a_file_is(name: str, octets: bytes, expected: set[tuple[K, str, str]]) -> None:
    assert found(message((name, octets))) == expected


def test_a_short_message_that_announces_no_file_is_not_taken_apart() -> None:
    text = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nContent-Type is a field\r\n"
    assert attached(text) == ()
    assert len(attached(text + b"--b\r\ncontent-disposition : attachment\r\n\r\nx\r\n")) == 1
    assert len(attached(text + b"--b\r\nContent-Type: text/plain;\r\n\tName=x\r\n\r\nx\r\n")) == 1
    assert len(attached(text + b"--b\r\nContent-Type: application/x\r\n\r\nx\r\n")) == 1


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"Content-Type: multipart/mixed; boundary=b\r\n",
                b"\r\n",
                b"--b\r\n",
                b"--b--\r\n",
                b"text\r\n",
                b"CONTENT-TYPE:\r\n",
                b" text/html\r\n",
                b"Content-Type: text/plain\r\n",
                b"; name=x\r\n",
                b" ;filename*0=x\r\n",
                b"Content-Disposition: inline\r\n",
                b"Content-Type: message/rfc822\r\n",
                b"Content-Type: application/x\r\n",
                b"Content-Transfer-Encoding: base64\r\n",
            ]
        ),
        max_size=14,
    )
)
def test_the_short_look_passes_over_nothing_that_the_long_one_finds(lines: list[bytes]) -> None:
    octets = b"".join(lines)
    slowly = [part for part, depth in _leaves(scan(octets), 1) if not _body(part, depth)]
    assert bool(attached(octets)) or not slowly


def test_names_are_decoded_as_people_see_them() -> None:
    head = b"Content-Disposition: attachment; filename*0*=utf-8''r%C3%A9su; filename*1*=m%C3%A9.js\r\n\r\n"
    assert found(head + b"x") == {(K.SCRIPT, "résumé.js", "js")}
    word = base64.b64encode("é.vbs".encode())
    head = b'Content-Type: application/x; name="=?utf-8?b?' + word + b'?="\r\n\r\n'
    assert found(head + b"x") == {(K.SCRIPT, "é.vbs", "vbs")}


@pytest.mark.parametrize("octets", [
    base64.b64encode(EXE[:30]) + base64.b64encode(EXE[30:]),
    base64.b64encode(EXE[:31]) + b"\r\n" + base64.b64encode(EXE[31:]),
    base64.b64encode(EXE).replace(b"AAAA", b"A!A A\r\nA"),
    base64.b64encode(EXE).rstrip(b"=")[:-3],
])  # fmt: skip
def test_sloppy_base64_hides_nothing(octets: bytes) -> None:
    head = b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert {kind for kind, _, _ in found(head + octets)} == {K.EXECUTABLE}


def test_other_encodings() -> None:
    quoted = b"Content-Type: application/x; name=a.js\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=23!/bin/sh"
    assert found(quoted) == {(K.SCRIPT, "a.js", "shebang")}
    uu = b"Content-Type: application/x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
    assert found(uu + b"begin 644 a\r\n)(R$O8FEN+W-H\r\n \r\nend\r\n") == {(K.SCRIPT, "", "shebang")}


def test_mail_within_mail_is_looked_through() -> None:
    inner = message(("c.exe", EXE))
    plain = b"Content-Type: message/rfc822\r\n\r\n" + inner
    assert found(plain) == {(K.EXECUTABLE, "c.exe", "pe")}
    encoded = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(inner)
    assert found(encoded) == {(K.EXECUTABLE, "c.exe", "pe")}


def test_several_findings_of_a_kind_are_enough() -> None:
    assert len(found(message(*((f"{n}.js", b"x") for n in range(20))))) == MAX_OF_A_KIND


@pytest.mark.parametrize(
    ("name", "octets", "detail"),
    [
        ("a.zip", zip_that_declares(0xFFFFFFF0), "declared"),
        ("a.zip", overlapping_zip(200), "overlap"),
        ("a.zip", overlapping_zip(9_000), "declared"),
        ("a.zip", zipped({str(n): b"" for n in range(10_001)}), "entries"),
        ("a.zip", nested_zip(9, EXE), "depth"),
        ("a.gz", gzip_of_zeros(1100 << 20), "declared"),
        ("a.zip", zipped({f"{n}.zip": zipped({"x": b"\0" * 30_000_000}) for n in range(40)}), None),
        ("a.zip", zipped({f"{n}.gz": gzip_of_zeros(16 << 20) for n in range(60)}), "octets"),
        ("a.tar.gz", gzip.compress(tarred({"zeros": b"\0" * (130 << 20)})), "octets"),
        ("a.zip", zipped({"b.tar": tarred({"zeros": b"\0" * (40 << 20)})}), "memory"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bombs_are_known_and_cost_little(name: str, octets: bytes, detail: str | None) -> None:
    bombs = {what for kind, _, what in found(message((name, octets))) if kind is K.BOMB}
    assert bombs == ({detail} if detail else set())


def test_what_lies_beside_a_bomb_is_found_as_well() -> None:
    files = found(message(("a.zip", overlapping_zip(200)), ("c.exe", EXE)))
    assert {kind for kind, _, _ in files} == {K.BOMB, K.EXECUTABLE}


def test_what_the_scanner_gives_up_on_is_not_taken_for_harmless() -> None:
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000
    assert found(many + message(("c.exe", EXE))) == {(K.BOMB, "", "parts")}
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(1000))
    deep += b"Content-Type: application/x\r\n\r\nx"
    assert found(deep) == {(K.BOMB, "", "parts")}
    long = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + b"X: y\r\n" * 100_000 + b"\r\nbody"
    assert found(long) == {(K.BOMB, "", "parts")}


@pytest.mark.parametrize("packed", [
    zipped({"a.txt": bytes(range(256)) * 40, "c.exe": EXE}, stored=True),
    gzip.compress(tarred({"a.txt": bytes(range(256)) * 40, "c.exe": EXE})),
    lzma.compress(bytes(range(256)) * 400),
    bz2.compress(bytes(range(256)) * 400),
    tarred({"a.txt": b"x" * 5000}),
])  # fmt: skip
def test_cut_off_files_are_damaged_and_never_an_error(packed: bytes) -> None:
    for length in range(0, len(packed), max(1, len(packed) // 60)):
        kinds = {kind for kind, _, _ in found(message(("a", packed[:length])))}
        assert kinds <= {K.DAMAGED, K.EXECUTABLE}
    assert K.DAMAGED in {kind for kind, _, _ in found(message(("a", packed[: len(packed) // 2])))} or b"ustar" in packed


def test_a_zip_without_its_directory_still_shows_its_files() -> None:
    whole = zipped({"c.exe": EXE, "d.txt": b"x" * 500}, stored=True)
    assert (K.EXECUTABLE, "a.zip/c.exe", "pe") in found(message(("a.zip", whole[: whole.find(b"PK\x01\x02")])))


MAGICS = [
    b"PK\x03\x04",
    zipped({"a": b"b"}),
    gzip.compress(b"x"),
    bz2.compress(b"x"),
    lzma.compress(b"x"),
    tarred({"a": b"b"}),
    ole("Macros"),
    EXE,
    EICAR,
    word(macros=True),
    locked_zip({"a": b"b"}),
    cd_image()[:0x8010],
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(MAGICS),
    st.lists(st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 40_000),
    st.text(max_size=40),
)
def test_nothing_raises_whatever_the_octets(
    magic: bytes, changes: list[tuple[int, bytes]], cut: int, name: str
) -> None:
    octets = bytearray(magic)
    for at, change in changes:
        at %= len(octets)
        octets[at : at + len(change)] = change
    octets = octets[: max(1, cut % (len(octets) + 1))]
    for each in inspect(message((name.replace('"', ""), bytes(octets))), Limits(octets=1 << 20, entries=200)):
        assert len(each.name) <= 120
        assert each.name.isprintable() or not each.name.isascii()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_nothing_raises_on_any_message(octets: bytes) -> None:
    inspect(octets, LIMITS)
    inspect(b"Content-Type: application/x\r\n\r\n" + octets, LIMITS)
