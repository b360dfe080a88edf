"""All features of a message, and which of them hang on the header."""

from harness.spam_mail import spam
from posthouse.spam.features.extract import RAW_OCTETS, Features, extract
from posthouse.spam.sanitise import sanitise
from posthouse.spam.text.message import read_message


def features(raw: bytes) -> Features:
    octets = sanitise(raw)
    return extract(octets, read_message(octets))


def test_the_delivery_path_does_not_reach_words_and_grams() -> None:
    one = features(spam(1))
    other = features(b"Received: from elsewhere by there; x\r\nX-Mailer: m\r\n" + spam(1))
    assert one.grams.tolist() == other.grams.tolist()
    assert one.words.tolist() == other.words.tolist()
    assert one.header.tolist() != other.header.tolist()
    assert one.raw.tolist() != other.raw.tolist()


def test_other_filters_reach_nothing() -> None:
    one, other = features(spam(1)), features(b"X-Spam-Flag: YES\r\n" + spam(1))
    assert one.raw.tolist() == other.raw.tolist()
    assert one.structure.tolist() == other.structure.tolist()


def test_only_the_first_octets_are_for_site_memory() -> None:
    base = b"Subject: a\n\n" + b"x" * RAW_OCTETS
    assert features(base).raw.tolist() == features(base + b"different").raw.tolist()


def test_obfuscation_changes_no_word() -> None:
    plain = features(b"Subject: x\n\nbuy viagra today my friend")
    written = features(
        "Content-Type: text/plain; charset=utf-8\nSubject: x\n\nbuy vi\u200bаgrа t0day my friend".encode()
    )
    assert plain.words.tolist() == written.words.tolist()
