"""Structure: what a message is built like, as numbers: content first, header behind, so that one model can do without
the header (delivery paths change; what spam must contain to pay changes less).

Each feature has a name a person can read. Absent things are 0 or -1, never missing: trees split on them. Not done here:
words (hashing.py), opinions (rules.py).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from posthouse.protocol.mime.dates import parse_date
from posthouse.spam.text.links import organisation
from posthouse.spam.text.message import Message
from posthouse.spam.text.normalise import LEET_MARK

_UPPER_WORD = re.compile(r"[A-Z]{4,}")
_MONEY = re.compile(r"[$€£¥]\s?\d|\d\s?(?:usd|eur|dollars|million)")
_GAPPY = re.compile(r"\b(?:[a-z0-9][ ._*-]){4,40}[a-z0-9]\b")
_DIGITS = re.compile(r"\d")
_REMOVE = re.compile(r"unsubscribe|opt[- ]?out|remove[dme ]|abmelden|désabonner|darse de baja")
_CALL = re.compile(
    r"click (?:here|below|on)|call now|act now|order now|log ?in|sign in|verify|confirm|update your|buy now"
)
_CODE = re.compile(r"[{}();=<>|#\\]")
_ADDRESS = re.compile(rb"[\w.+=&/-]{1,64}@([\w.-]{1,250})")
_BRACKETS = re.compile(r"^(?:re|fwd?|aw|sv): |^\[")
_FREE: Final = frozenset(
    [
        "gmail.com",
        "yahoo.com",
        "hotmail.com",
        "aol.com",
        "msn.com",
        "outlook.com",
        "live.com",
        "excite.com",
        "mail.com",
        "lycos.com",
        "netscape.net",
        "gmx.net",
        "gmx.de",
        "web.de",
        "mail.ru",
        "yandex.ru",
        "163.com",
        "126.com",
        "qq.com",
        "icloud.com",
        "proton.me",
        "protonmail.com",
        "yahoo.co.uk",
    ]
)
_SHORT: Final = frozenset(
    [
        "bit.ly",
        "tinyurl.com",
        "goo.gl",
        "t.co",
        "ow.ly",
        "is.gd",
        "buff.ly",
        "rebrand.ly",
        "cutt.ly",
        "rb.gy",
        "t.ly",
        "s.id",
        "lnkd.in",
        "tiny.cc",
        "shorturl.at",
        "forms.gle",
        "page.link",
        "qr.co",
    ]
)
_HOSTING: Final = (
    *(".web.app", ".firebaseapp.com", ".github.io", ".weebly.com", ".wixsite.com", ".blogspot.com", ".pages.dev"),
    *(".workers.dev", ".herokuapp.com", ".netlify.app", ".vercel.app", ".000webhostapp.com", ".r2.dev", ".glitch.me"),
    *(".azurewebsites.net", ".windows.net", ".amazonaws.com", ".appspot.com", ".ipfs.io", ".godaddysites.com"),
    *(".wordpress.com", ".square.site", ".webflow.io", ".on.fleek.co", ".duckdns.org", ".geocities.com", ".tripod.com"),
)
_TOP: Final = ("com", "net", "org", "info", "biz", "ru", "cn", "xyz", "top", "edu", "gov", "uk", "de", "tk", "io")
_BRANDS = re.compile(
    r"\b(paypal|amazon|apple|microsoft|office ?365|outlook|netflix|docusign|dhl|fedex|ups|usps|google|facebook|ebay|"
    r"wells ?fargo|chase|bank of america|citibank|hsbc|coinbase|binance|metamask|linkedin|dropbox|adobe|icloud)\b"
)
_RISKY = re.compile(
    r"\.(?:html?|shtml|svg|iso|img|exe|scr|js|jse|vbs|lnk|zip|rar|7z|ace|r\d\d|docm|xlsm|hta|jar|bat|cmd|pif|com)$"
)

CONTENT: Final = (
    *("subject_length", "subject_words", "subject_shout", "subject_digits", "subject_reply", "subject_marks"),
    *("subject_money", "subject_not_ascii", "subject_encoded", "subject_gap_tail", "subject_empty"),
    *("length", "words", "mean_word", "shout", "upper_ratio", "digit_ratio", "not_ascii_ratio", "mark_ratio"),
    *("exclamations", "questions", "money", "leet", "gappy", "quoted_lines", "signature", "long_words", "blank_lines"),
    *("unsubscribe", "call_to_act", "code_marks", "vocabulary_ratio", "html_ratio", "text_per_markup", "plain", "html"),
    *("hidden", "hidden_ratio", "comments_ratio", "splits", "white", "invisible", "mixed", "undecodable"),
    *("tag_img", "tag_form", "tag_input", "tag_script", "tag_style", "tag_iframe", "tag_table", "tag_font", "tag_a"),
    *("tag_object", "tag_svg", "tag_meta", "html_title"),
    *("links", "link_hosts", "link_organisations", "link_numeric", "link_port_or_user", "link_punycode", "link_long"),
    *("link_mismatch", "link_short", "link_hosting", "link_https", "link_query", "link_mailto", "link_digits"),
    *("link_dots", "link_per_word", "image_hosts", "image_other_organisation", "image_only"),
    *(f"link_top_{top}" for top in _TOP),
    *("link_top_other", "parts", "depth_multipart", "alternative", "related", "mixed_parts", "attachments"),
    *("attached_risky", "attached_image", "attached_pdf", "attached_octets", "attached_html", "calendar"),
    *("signed", "report", "base64_text", "quoted_printable", "eight_bit", "charset_count", "charset_utf8"),
    *("charset_latin", "charset_other", "charset_none", "brand_in_text", "limits"),
)
HEADER: Final = (
    *("fields", "header_size", "received", "received_numeric", "received_unknown", "to_count", "cc_count"),
    *("to_missing", "to_undisclosed", "to_is_from", "from_display", "from_display_address", "from_digits"),
    *("from_free", "from_length", "from_top_common", "reply_to", "reply_to_differs", "return_path_differs"),
    *("return_path_empty", "sender_field", "message_id", "message_id_matches", "message_id_length"),
    *("message_id_dollar", "message_id_hex", "date", "date_zone", "date_zone_odd", "date_after_received"),
    *("mailer", "mailer_known", "user_agent", "references", "in_reply_to", "reply_without_references", "list_id"),
    *("list_unsubscribe", "list_one_click", "precedence_bulk", "priority", "mime_version", "mime_version_first"),
    *("organization", "x_fields", "x_ratio", "errors_to", "dkim_field", "auto_submitted", "content_language"),
    *(
        "thread_topic",
        "originating_ip",
        "order_from_to",
        "order_subject_date",
        "priority_without_mailer",
        "brand_not_sender",
    ),
    *("links_to_sender", "links_elsewhere", "feedback_id", "received_for", "received_helo_numeric", "to_names"),
)
NAMES: Final = CONTENT + HEADER
_PLACE: Final = {name: place for place, name in enumerate(NAMES)}
_KNOWN_MAILER = re.compile(
    rb"(?i)mutt|pine|evolution|kmail|thunderbird|mozilla|apple mail|gnus|sylpheed|exmh|mailman|k-9|roundcube|git-send"
)
_NUMERIC_HOST = re.compile(rb"from \[?\d{1,3}(?:\.\d{1,3}){3}|\(\[\d{1,3}(?:\.\d{1,3}){3}\]\)")

Values = npt.NDArray[np.float32]


def structure(message: Message) -> Values:
    """The values in the order of NAMES. Never raises."""
    found: dict[str, float] = {}
    _subject(message, found)
    _text(message, found)
    _links(message, found)
    _parts(message, found)
    _header(message, found)
    values = np.zeros(len(NAMES), np.float32)
    for name, value in found.items():
        values[_PLACE[name]] = value
    return values


def _subject(m: Message, f: dict[str, float]) -> None:
    subject = m.subject
    raw = m.first.get("subject", b"")
    f["subject_length"] = len(subject)
    f["subject_words"] = subject.count(" ") + 1
    letters = raw.decode("latin-1")
    f["subject_shout"] = len(_UPPER_WORD.findall(letters)) if b"=?" not in raw else 0
    f["subject_digits"] = len(_DIGITS.findall(subject))
    f["subject_reply"] = _BRACKETS.match(subject) is not None
    f["subject_marks"] = subject.count("!") + subject.count("?")
    f["subject_money"] = _MONEY.search(subject) is not None
    f["subject_not_ascii"] = not subject.isascii()
    f["subject_encoded"] = b"=?" in raw
    f["subject_gap_tail"] = "    " in letters.rstrip()
    f["subject_empty"] = not subject


def _text(m: Message, f: dict[str, float]) -> None:
    raw, text = m.raw_text, m.text
    size = len(raw) or 1
    words = text.split(" ")
    count = len(words)
    f["length"] = math.log1p(m.length)
    f["words"] = count
    f["mean_word"] = len(text) / count
    f["shout"] = len(_UPPER_WORD.findall(raw)) / count
    octets = np.frombuffer(raw.encode("utf-8", "replace"), np.uint8)
    bins = np.bincount(octets, minlength=256) if len(octets) else np.zeros(256, np.int64)
    f["upper_ratio"] = float(bins[65:91].sum()) / size
    f["digit_ratio"] = float(bins[48:58].sum()) / size
    f["not_ascii_ratio"] = float(bins[192:].sum()) / size
    f["mark_ratio"] = float(bins[33:48].sum() + bins[58:65].sum() + bins[91:97].sum() + bins[123:127].sum()) / size
    f["exclamations"] = float(bins[33]) / count
    f["questions"] = float(bins[63]) / count
    f["money"] = len(_MONEY.findall(text))
    f["leet"] = len(LEET_MARK.findall(text))
    f["gappy"] = len(_GAPPY.findall(text))
    f["quoted_lines"] = raw.count("\n>") + raw.count("\n >") + raw.count(" wrote:")
    f["signature"] = "\n-- \n" in raw
    f["long_words"] = sum(len(word) >= 30 for word in words)
    f["blank_lines"] = raw.count("\n\n")
    f["unsubscribe"] = len(_REMOVE.findall(text))
    f["call_to_act"] = len(_CALL.findall(text))
    f["code_marks"] = len(_CODE.findall(raw)) / size
    f["vocabulary_ratio"] = len(set(words)) / count
    markup = m.html
    f["html_ratio"] = markup / (markup + m.plain + 1)
    f["text_per_markup"] = m.length / (markup + 1) if markup else -1
    f["plain"], f["html"] = math.log1p(m.plain), math.log1p(markup)
    f["hidden"], f["hidden_ratio"] = math.log1p(m.hidden), m.hidden / (m.length + m.hidden + 1)
    f["comments_ratio"] = m.comments / (markup + 1)
    f["splits"], f["white"] = math.log1p(m.splits), m.white
    f["invisible"], f["mixed"] = math.log1p(m.invisible), math.log1p(m.mixed)
    f["undecodable"] = m.undecodable / size
    for name, n in m.tags.items():
        f["tag_" + name] = math.log1p(n)
    f["html_title"] = m.title
    f["brand_in_text"] = len(_BRANDS.findall(text[:2_000]))
    f["limits"] = len(m.limits)


def _links(m: Message, f: dict[str, float]) -> None:
    links = m.links
    hosts = {link.host for link in links if link.host}
    organisations = {organisation(host) for host in hosts}
    f["links"], f["link_hosts"], f["link_organisations"] = len(links), len(hosts), len(organisations)
    f["link_per_word"] = len(links) / (f["words"] + 1)
    mismatch = long = query = https = odd = mail = digits = 0
    for link in links:
        url = link.url
        shown = link.shown_host
        if shown and link.host and organisation(shown) != organisation(link.host):
            mismatch += 1
        long = max(long, len(url))
        query += "?" in url
        https += url[:8].lower() == "https://"
        mail += url[:7].lower() == "mailto:"
        odd += "@" in url[:60].partition("//")[2].partition("/")[0] or bool(_port(url))
    f["link_mismatch"], f["link_long"], f["link_query"], f["link_mailto"] = mismatch, long, query, mail
    f["link_port_or_user"] = odd - mail if odd > mail else 0
    f["link_https"] = https / (len(links) or 1)
    tops: Counter[str] = Counter()
    dots = numeric = hosting = 0
    for host in hosts:
        top = host.rpartition(".")[2]
        tops[top if top in _TOP else "other"] += 1
        dots = max(dots, host.count("."))
        digits += any(c.isdigit() for c in host)
        numeric += top.isdigit() or host.startswith("0x")
        hosting += host.endswith(_HOSTING)
    for top, n in tops.items():
        f["link_top_" + top] = n
    f["link_dots"], f["link_digits"], f["link_numeric"], f["link_hosting"] = dots, digits, numeric, hosting
    f["link_punycode"] = sum("xn--" in host or not host.isascii() for host in hosts)
    f["link_short"] = sum(o in _SHORT or h in _SHORT for h in hosts for o in (organisation(h),))
    sources = set(m.sources)
    f["image_hosts"] = len(sources)
    f["image_other_organisation"] = len({organisation(s) for s in sources} - organisations)
    images = m.tags.get("img", 0) + sum(a.type.startswith("image/") for a in m.attachments)
    f["image_only"] = images > 0 and m.length < 120


def _port(url: str) -> bool:
    authority = url.partition("//")[2].partition("/")[0]
    return ":" in authority and not authority.startswith("[")


def _parts(m: Message, f: dict[str, float]) -> None:
    types = m.types
    f["parts"] = len(types)
    f["depth_multipart"] = sum(t.startswith("multipart/") for t in types)
    f["alternative"] = "multipart/alternative" in types
    f["related"] = "multipart/related" in types
    f["mixed_parts"] = "multipart/mixed" in types
    f["attachments"] = len(m.attachments)
    f["attached_risky"] = sum(_RISKY.search(a.name) is not None for a in m.attachments)
    f["attached_image"] = sum(a.type.startswith("image/") for a in m.attachments)
    f["attached_pdf"] = sum("pdf" in a.type or a.name.endswith(".pdf") for a in m.attachments)
    f["attached_html"] = sum(a.name.endswith((".htm", ".html", ".shtml", ".svg")) for a in m.attachments)
    f["attached_octets"] = math.log1p(sum(a.size for a in m.attachments))
    f["calendar"] = "text/calendar" in types
    f["signed"] = "multipart/signed" in types
    f["report"] = "multipart/report" in types
    f["base64_text"] = "base64" in m.encodings and not m.attachments
    f["quoted_printable"] = "quoted-printable" in m.encodings
    f["eight_bit"] = "8bit" in m.encodings
    charsets = set(m.charsets)
    f["charset_count"] = len(charsets)
    f["charset_none"] = not charsets
    f["charset_utf8"] = "utf-8" in charsets
    f["charset_latin"] = bool(charsets & {"iso-8859-1", "us-ascii", "iso-8859-15", "windows-1252"})
    f["charset_other"] = bool(charsets - {"utf-8", "iso-8859-1", "us-ascii", "iso-8859-15", "windows-1252"})


def _domain(value: bytes) -> str:
    found = _ADDRESS.search(value[:1_000])
    return "" if found is None else found[1].decode("latin-1").lower().strip(".")


def _header(m: Message, f: dict[str, float]) -> None:
    first = m.first
    get = first.get
    names = [name for name, _ in m.fields]
    f["fields"] = len(names)
    f["header_size"] = math.log1p(m.header_size)
    received = [value for name, value in m.fields if name == "received"]
    f["received"] = len(received)
    f["received_numeric"] = sum(_NUMERIC_HOST.search(value) is not None for value in received[:20])
    f["received_unknown"] = sum(b"unknown" in value or b"unverified" in value for value in received[:20])
    last = received[-1] if received else b""
    f["received_for"] = b" for " in last
    f["received_helo_numeric"] = last[:30].startswith(b"from [") or last[5:6].isdigit()
    to, sender = get("to", b""), get("from", b"")
    recipients = _ADDRESS.findall(to[:4_000])
    f["to_count"] = len(recipients)
    f["cc_count"] = len(_ADDRESS.findall(get("cc", b"")[:4_000]))
    f["to_missing"] = "to" not in first
    f["to_undisclosed"] = b"undisclosed" in to.lower()
    f["to_names"] = b"<" in to
    found = _ADDRESS.search(sender)
    address = b"" if found is None else found[0].lower()
    f["to_is_from"] = bool(address) and address in to.lower()
    domain = _domain(sender)
    home = organisation(domain)
    display = sender.partition(b"<")[0].strip() if b"<" in sender else b""
    f["from_display"] = len(display)
    f["from_display_address"] = b"@" in display
    local = address.partition(b"@")[0]
    f["from_digits"] = sum(48 <= c < 58 for c in local)
    f["from_length"] = len(local)
    f["from_free"] = domain in _FREE
    f["from_top_common"] = domain.rpartition(".")[2] in ("com", "net", "org", "edu")
    reply, path = get("reply-to"), get("return-path")
    f["reply_to"] = reply is not None
    f["reply_to_differs"] = reply is not None and organisation(_domain(reply)) != home
    f["return_path_differs"] = path is not None and organisation(_domain(path)) != home
    f["return_path_empty"] = path is not None and path.strip() in (b"<>", b"")
    f["sender_field"] = "sender" in first
    identity = get("message-id", b"")
    f["message_id"] = bool(identity)
    f["message_id_matches"] = bool(home) and home.encode("latin-1", "replace") in identity.lower()
    f["message_id_length"] = len(identity)
    f["message_id_dollar"] = identity.count(b"$")
    f["message_id_hex"] = sum(48 <= c < 58 for c in identity[:80])
    _dates(m, received, f)
    mailer = get("x-mailer", b"")
    f["mailer"] = bool(mailer)
    f["user_agent"] = "user-agent" in first
    f["mailer_known"] = _KNOWN_MAILER.search(mailer + get("user-agent", b"")) is not None
    f["references"] = get("references", b"").count(b"@")
    f["in_reply_to"] = "in-reply-to" in first
    f["reply_without_references"] = m.subject.startswith("re:") and not (f["references"] or f["in_reply_to"])
    f["list_id"] = "list-id" in first
    f["list_unsubscribe"] = "list-unsubscribe" in first
    f["list_one_click"] = "list-unsubscribe-post" in first
    f["precedence_bulk"] = get("precedence", b"").lower() in (b"bulk", b"list", b"junk")
    f["priority"] = "x-priority" in first or "importance" in first or "x-msmail-priority" in first
    f["mime_version"] = "mime-version" in first
    place = {name: i for i, name in reversed(list(enumerate(names)))}
    f["mime_version_first"] = place.get("mime-version", 999) < place.get("from", 998)
    f["organization"] = "organization" in first
    other = sum(name.startswith("x-") for name in names)
    f["x_fields"], f["x_ratio"] = other, other / (len(names) or 1)
    f["errors_to"] = "errors-to" in first
    f["dkim_field"] = "dkim-signature" in first
    f["auto_submitted"] = "auto-submitted" in first
    f["content_language"] = "content-language" in first
    f["thread_topic"] = "thread-topic" in first or "thread-index" in first
    f["originating_ip"] = "x-originating-ip" in first
    f["feedback_id"] = "feedback-id" in first
    f["order_from_to"] = place.get("from", 0) - place.get("to", 0)
    f["order_subject_date"] = place.get("subject", 0) - place.get("date", 0)
    f["priority_without_mailer"] = "x-priority" in first and "x-mailer" not in first
    brand = _BRANDS.search(m.sender.partition("<")[0])
    f["brand_not_sender"] = brand is not None and brand[1].replace(" ", "") not in home
    hosts = {organisation(link.host) for link in m.links if link.host}
    f["links_to_sender"] = bool(home) and home in hosts
    f["links_elsewhere"] = len(hosts - {home})


def _dates(m: Message, received: list[bytes], f: dict[str, float]) -> None:
    value = m.first.get("date")
    sent = None if value is None else parse_date(value)
    f["date"] = -1.0 if value is None else float(sent is not None)
    if sent is None:
        return
    zone = sent.zone
    f["date_zone"] = zone
    f["date_zone_odd"] = zone % 30 != 0
    stamp = received[0].rpartition(b";")[2] if received else b""
    came = parse_date(stamp.strip()) if stamp else None
    if came is not None:
        f["date_after_received"] = max(-48.0, min(48.0, (sent.epoch - came.epoch) / 3600))
