"""What `make load` measures, and the bar each figure is held against: data only.

A bar is of the embedded platform (one process, fsync on) on a machine of two cores; `factor` is how many times better
than Postfix with Dovecot in the same run it has to be.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: where in a scenario's report it is found and what is wanted of it."""

    title: str
    unit: str
    path: tuple[str, ...]
    at_least: float | None = None
    at_most: float | None = None
    factor: float | None = None
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run of a generator. `fresh` starts the server on an empty store; `restart_after_fill` makes caches cold."""

    key: str
    tool: str
    arguments: tuple[str, ...]
    quick: tuple[str, ...]
    figures: tuple[Figure, ...]
    fill: tuple[str, ...] = ()
    quick_fill: tuple[str, ...] = ()
    fresh: bool = False


def _per_s(title: str, *path: str, bar: float | None = None, factor: float | None = None) -> Figure:
    return Figure(title, "/s", path, at_least=bar, factor=factor, higher_is_better=True)


def _ms(title: str, *path: str, bar: float | None = None) -> Figure:
    return Figure(title, "ms", path, at_most=bar)


def _us(title: str, *path: str, bar: float | None = None, factor: float | None = None) -> Figure:
    return Figure(title, "µs", path, at_most=bar, factor=factor)


def _none(title: str, *path: str) -> Figure:
    return Figure(title, "", path, at_most=0)


_STEPS = "steps"
_CURVE = ("--settle", "5")  # a server that is never quite idle costs no more than this per window

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "latency",
        "e2e.py",
        ("--accounts", "64", "--rate", "50", "--duration", "20", "--warmup", "200"),
        ("--accounts", "64", "--rate", "50", "--duration", "5", "--warmup", "50"),
        (
            _ms("50/s of 4 KiB: 250 → EXISTS p50", "250_to_exists_ms", "p50", bar=5),
            _ms("50/s: 250 → EXISTS p99", "250_to_exists_ms", "p99", bar=25),
            _ms("50/s: MAIL → EXISTS p50", "mail_to_exists_ms", "p50"),
            _ms("50/s: MAIL → EXISTS p99", "mail_to_exists_ms", "p99"),
            _ms("50/s: MAIL → 250 p50", "mail_to_250_ms", "p50"),
            _us("50/s: server CPU per message in to IMAP", "server_cpu_us"),
            _none("50/s: lost", "verify", "lost"),
            _none("50/s: doubled", "verify", "doubled"),
        ),
    ),
    Scenario(
        "through",
        "e2e.py",
        ("--accounts", "64", "--messages", "5000", "--window", "2000", "--warmup", "500"),
        ("--accounts", "64", "--messages", "1000", "--window", "1000", "--warmup", "100"),
        (
            _per_s("flat out, 4 KiB, 10 connections: stored and visible", "visible_per_s", bar=500, factor=2),
            _us("flat out: server CPU per message in to IMAP", "server_cpu_us", bar=1500, factor=2),
            _ms("flat out: MAIL → 250 p99", "mail_to_250_ms", "p99"),
            _none("flat out: lost", "verify", "lost"),
            _none("flat out: doubled", "verify", "doubled"),
        ),
    ),
    Scenario(
        "burst",
        "e2e.py",
        ("--accounts", "64", "--messages", "10000", "--connections", "50", "--watch", "status", "--retries", "0"),
        ("--accounts", "64", "--messages", "2000", "--connections", "50", "--watch", "status", "--retries", "0"),
        (
            _per_s("burst over 50 connections: accepted", "accepted_per_s", bar=2000),
            _ms("burst: MAIL → 250 p99", "mail_to_250_ms", "p99"),
            _per_s("burst: stored and visible, until drained", "visible_per_s"),
            _us("burst: server CPU per message", "server_cpu_us"),
            _none("burst: lost", "verify", "lost"),
            _none("burst: doubled", "verify", "doubled"),
        ),
    ),
    Scenario(
        "large",
        "smtp.py",
        ("--accounts", "64", "--size", "65536", "--connections", "10", "--messages", "100"),
        ("--accounts", "64", "--size", "65536", "--connections", "10", "--messages", "20"),
        (
            _per_s("64 KiB, 10 connections: accepted", "accepted_per_s"),
            _us("64 KiB: server CPU per message until idle", "server_cpu_us_until_idle"),
        ),
    ),
    Scenario(
        "idle",
        "imap.py",
        ("--accounts", "100", "--idle", "1000", "--hold", "5"),
        ("--accounts", "100", "--idle", "200", "--hold", "2"),
        (
            Figure("idle IMAP connection, plain: RSS", "KiB", ("rss_kib_per_connection",), at_most=40),
            Figure("idle, plain: PSS", "KiB", ("pss_kib_per_connection",)),
            _per_s("idle, plain: sessions set up", "set_up_per_s"),
        ),
    ),
    Scenario(
        "idle-tls",
        "imap.py",
        ("--accounts", "100", "--idle", "1000", "--hold", "5", "--tls"),
        ("--accounts", "100", "--idle", "200", "--hold", "2", "--tls"),
        (
            Figure("idle IMAP connection, TLS: RSS", "KiB", ("rss_kib_per_connection",), at_most=60),
            Figure("idle, TLS: PSS", "KiB", ("pss_kib_per_connection",)),
            _per_s("idle, TLS: sessions set up", "set_up_per_s"),
        ),
    ),
    Scenario(
        "mailbox",
        "imap.py",
        (),
        ("--repeat", "3", "--commands", "50", "--appends", "5"),
        (
            _ms("10,000 messages: SELECT, first after restart", _STEPS, "select", "first_ms", bar=20),
            _ms("10,000: SELECT again", _STEPS, "select", "again_ms", bar=20),
            _ms("10,000: SELECT in a new session", _STEPS, "select", "new_session_ms", bar=20),
            _ms("10,000: FETCH 1:* (FLAGS)", _STEPS, "flags", "again_ms"),
            _ms("10,000: FETCH 1:* (UID FLAGS), first", _STEPS, "uid-flags", "first_ms", bar=80),
            _ms("10,000: FETCH 1:* (UID FLAGS)", _STEPS, "uid-flags", "again_ms", bar=80),
            _ms("10,000: FETCH 1:* (… ENVELOPE), first", _STEPS, "envelope", "first_ms", bar=120),
            _ms("10,000: FETCH 1:* (… ENVELOPE)", _STEPS, "envelope", "again_ms", bar=120),
            _ms("10,000: Thunderbird's header fields, first", _STEPS, "thunderbird", "first_ms"),
            _ms("10,000: Thunderbird's header fields", _STEPS, "thunderbird", "again_ms"),
            _ms("10,000: BODYSTRUCTURE", _STEPS, "bodystructure", "again_ms"),
            _per_s("FETCH BODY.PEEK[], 10 clients", _STEPS, "body", "per_s"),
            _us("FETCH BODY.PEEK[]: server CPU", _STEPS, "body", "server_cpu_us"),
            _per_s("STORE ±FLAGS, 10 clients, one mailbox", _STEPS, "store", "per_s"),
            _us("STORE ±FLAGS: server CPU", _STEPS, "store", "server_cpu_us"),
            _per_s("APPEND, 10 clients, one mailbox", _STEPS, "append", "per_s"),
            _us("APPEND: server CPU", _STEPS, "append", "server_cpu_us"),
            _ms("LOGIN to ready", _STEPS, "login", "again_ms"),
        ),
        fill=("--fill", "10000", "--steps", "none"),
        quick_fill=("--fill", "2000", "--steps", "none"),
    ),
    Scenario(
        "curve",
        "e2e.py",
        (
            "--accounts",
            "100",
            "--stored-curve",
            "50000",
            "--step",
            "2500",
            *_CURVE,
            "--warmup",
            "500",
            "--window",
            "2000",
        ),
        (
            "--accounts",
            "100",
            "--stored-curve",
            "6000",
            "--step",
            "500",
            *_CURVE,
            "--warmup",
            "200",
            "--window",
            "1000",
        ),
        (
            _us("0 → 50,000 stored, 100 accounts: CPU per message, first", "first_cpu_us"),
            _us("0 → 50,000 stored: CPU per message, last", "last_cpu_us"),
            Figure("0 → 50,000 stored: last to first", "×", ("last_to_first",), at_most=1.15),
            _per_s("0 → 50,000 stored: stored and visible, last", "visible_per_s", "last"),
            _none("0 → 50,000 stored: lost", "verify", "lost"),
            _none("0 → 50,000 stored: doubled", "verify", "doubled"),
        ),
        fresh=True,
    ),
)
