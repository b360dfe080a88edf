"""The closed list of metrics: name, unit, labels with their allowed values, and what each is for.

Add a metric here and run `make docs`; `docs/reference/metrics.md` is generated from this file and a test compares them.
A label with `None` takes open values (a topic, a component); `metrics.py` bounds how many. No label may hold an
address, an account or a queue_id: those belong in traces and logs.
"""

from dataclasses import dataclass
from typing import Final, Literal

MetricUnit = Literal["1", "seconds", "bytes", "rcpts", "messages", "records", "connections", "sessions", "operations"]


@dataclass(frozen=True, slots=True)
class Label:
    """One label; `values` is the closed set of its values, or None where they are open."""

    name: str
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class MetricDef:
    """What all kinds of metric have."""

    name: str
    help: str
    unit: MetricUnit
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class CounterDef(MetricDef):
    """Only rises; its name ends in `_total`."""


@dataclass(frozen=True, slots=True)
class GaugeDef(MetricDef):
    """Rises and falls."""


@dataclass(frozen=True, slots=True)
class HistogramDef(MetricDef):
    """Counts of observations per bucket; `bounds` are inclusive upper bounds in `unit`, ascending."""

    bounds: tuple[float, ...] = ()


FAST: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds, for one step of work: 0.1 ms to 10 s."""
SLOW: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)
"""Seconds, for the age of a message: 1 ms to an hour."""
SIZES: Final = (1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0, 67108864.0)
"""Bytes: 1 KiB to 64 MiB."""

_INGRESS: Final = Label("process", ("mx", "submission"))
_STAGE: Final = Label("stage", ("filter", "delivery", "learning"))
_TOPIC: Final = Label("topic")
_LISTENER: Final = Label("listener")
_UPSTREAM: Final = Label("upstream")

CONNECTIONS_OPEN: Final = GaugeDef("posthouse_connections_open", "Connections open now.", "connections", (_LISTENER,))
CONNECTIONS: Final = CounterDef(
    "posthouse_connections_total",
    "Connections by what became of them: served, refused by the cap, refused by the cap per address, failed TLS.",
    "connections",
    (_LISTENER, Label("outcome", ("served", "refused_total", "refused_address", "tls_failed"))),
)
AUTHENTICATIONS: Final = CounterDef(
    "posthouse_authentications_total",
    "Logins by outcome; `unavailable` means that the directory did not answer.",
    "operations",
    (
        Label("process", ("submission", "imap")),
        Label("outcome", ("ok", "failed", "throttled", "unavailable")),
    ),
)
SMTP_TRANSACTIONS: Final = CounterDef(
    "posthouse_smtp_transactions_total",
    "SMTP mail transactions by the reply to DATA; `aborted` had none.",
    "messages",
    (_INGRESS, Label("outcome", ("accepted", "deferred", "rejected", "aborted"))),
)
SMTP_RCPTS: Final = CounterDef(
    "posthouse_smtp_rcpts_total",
    "Replies to RCPT.",
    "rcpts",
    (_INGRESS, Label("outcome", ("accepted", "deferred", "rejected"))),
)
ACCEPTED_RCPTS: Final = CounterDef(
    "posthouse_accepted_rcpts_total",
    "Recipients promised by a 250: the left side of the ledger.",
    "rcpts",
    (_INGRESS,),
)
ACCEPT_SECONDS: Final = HistogramDef(
    "posthouse_accept_seconds", "From the last octet of DATA to the 250.", "seconds", (_INGRESS,), FAST
)
MESSAGE_BYTES: Final = HistogramDef(
    "posthouse_message_bytes", "Size of accepted messages.", "bytes", (_INGRESS,), SIZES
)
AUTHENTICATION_SECONDS: Final = HistogramDef(
    "posthouse_sender_authentication_seconds",
    "SPF, DKIM, ARC and DMARC of one message, DNS included.",
    "seconds",
    (),
    FAST,
)
AUTHENTICATION_RESULTS: Final = CounterDef(
    "posthouse_sender_authentication_total",
    "Messages by what sender authentication found out; of several signatures the best counts.",
    "messages",
    (
        Label("method", ("spf", "dkim", "arc", "dmarc", "iprev")),
        Label("result", ("none", "pass", "fail", "softfail", "neutral", "policy", "temperror", "permerror")),
    ),
)
CONTENT_SECONDS: Final = HistogramDef(
    "posthouse_content_checks_seconds",
    "Attachments and virus scan of one message; messages without either are not among them.",
    "seconds",
    (),
    FAST,
)
ATTACHMENT_FINDINGS: Final = CounterDef(
    "posthouse_content_findings_total",
    "What was found in messages before their 250.",
    "messages",
    (
        Label(
            "kind",
            (
                "virus",
                "executable",
                "disk-image",
                "script",
                "active-html",
                "macro",
                "encrypted",
                "bomb",
                "unopened",
                "damaged",
                "disguised",
            ),
        ),
    ),
)
VIRUS_SCANS: Final = CounterDef(
    "posthouse_virus_scans_total",
    "Messages by what the virus scan said; `failed` were deferred or taken unscanned, as configured.",
    "messages",
    (Label("outcome", ("clean", "infected", "failed", "too_large")),),
)
EXTERNAL_SCORES: Final = CounterDef(
    "posthouse_external_scores_total",
    "Messages given to another scorer, by what came of it; `missing` went on without its score.",
    "messages",
    (Label("scorer", ("rspamd", "spamassassin")), Label("outcome", ("scored", "missing"))),
)

LOG_PUBLISHED: Final = CounterDef(
    "posthouse_log_published_total", "Records acknowledged by the log.", "records", (_TOPIC,)
)
LOG_PUBLISH_SECONDS: Final = HistogramDef(
    "posthouse_log_publish_seconds", "From publish to its acknowledgement.", "seconds", (_TOPIC,), FAST
)
CONSUMED: Final = CounterDef(
    "posthouse_consumer_records_total",
    "Records by what the stage made of them.",
    "records",
    (_STAGE, Label("outcome", ("done", "retried", "parked", "dead", "rejected"))),
)
CONSUMER_LAG_SECONDS: Final = GaugeDef(
    "posthouse_consumer_lag_seconds",
    "Age of the oldest record not committed; the edge answers 451 beyond its bound.",
    "seconds",
    (_STAGE,),
)
CONSUMER_IN_FLIGHT: Final = GaugeDef(
    "posthouse_consumer_in_flight", "Records handed to the stage and not committed.", "records", (_STAGE,)
)
STAGE_SECONDS: Final = HistogramDef(
    "posthouse_stage_seconds", "Work of one stage on one record.", "seconds", (_STAGE,), FAST
)
SCORES: Final = CounterDef(
    "posthouse_scores_total",
    "Messages given to a scorer, by what came of it; `late` and `died` went on without a score.",
    "messages",
    (Label("outcome", ("scored", "late", "died")),),
)
SCORER_RESTARTS: Final = CounterDef(
    "posthouse_scorer_restarts_total", "Scorer processes that were replaced.", "operations", ()
)
LESSONS: Final = CounterDef(
    "posthouse_lessons_total",
    "Messages that people moved into or out of Junk, by what `imap` did with that: `told` to the filter; `bulk`, a "
    "command that moved too many to mean each of them; `lost`, since the log or the store did not answer.",
    "messages",
    (Label("outcome", ("told", "bulk", "lost")),),
)
LEARNED: Final = CounterDef(
    "posthouse_learned_total",
    "Lessons that the filter took, by what came of them: `learned`; `unlearned`, moved back; `repeated`, known "
    "already; `gone`, deleted before it was read; `unread`, no scorer could read it; `off`, since scoring is.",
    "messages",
    (Label("outcome", ("learned", "unlearned", "repeated", "gone", "unread", "off")),),
)
MODELS_FETCHED: Final = CounterDef(
    "posthouse_models_fetched_total",
    "Spam models fetched from the store; `refused` ones are damaged or of another version, and none takes their place.",
    "operations",
    (Label("outcome", ("fetched", "refused")),),
)
SHADOW_VERDICTS: Final = CounterDef(
    "posthouse_shadow_verdicts_total",
    "Messages that a challenger scored too, by who calls them junk.",
    "messages",
    (Label("outcome", ("both_ham", "both_junk", "champion_junk", "challenger_junk")),),
)
TAUGHT_LOOKUPS: Final = CounterDef(
    "posthouse_taught_lookups_total",
    "Accounts whose lessons scoring asked for; `hit` ones were at hand, `miss` ones asked of the store.",
    "operations",
    (Label("outcome", ("hit", "miss")),),
)
UNTAUGHT: Final = CounterDef(
    "posthouse_untaught_total",
    "Messages scored without what their recipients taught, since the store did not answer in time.",
    "messages",
    (),
)
_ACTION: Final = Label("action", ("accept", "quarantine", "reject", "defer"))
MILTER_MESSAGES: Final = CounterDef(
    "posthouse_milter_messages_total", "Messages of an MTA, by what it was told to do.", "messages", (_ACTION,)
)
CHECKED_MESSAGES: Final = CounterDef(
    "posthouse_checked_messages_total", "Messages given to POST /check, by the answer.", "messages", (_ACTION,)
)
VERDICTS: Final = CounterDef(
    "posthouse_verdicts_total",
    "Verdicts by kind, one for each recipient.",
    "rcpts",
    (Label("verdict", ("accept", "tag", "junk", "quarantine", "reject", "defer")),),
)
TENANT_VERDICTS: Final = CounterDef(
    "posthouse_tenant_verdicts_total",
    "Verdicts by tenant and kind, one for each recipient; tenants beyond the first some hundred are `other`.",
    "rcpts",
    (Label("tenant"), Label("verdict", ("accept", "tag", "junk", "quarantine", "reject", "defer"))),
)
SYMBOL_HITS: Final = CounterDef(
    "posthouse_symbol_hits_total",
    "Scored messages in which a built-in rule, a failure of authentication or a channel spoke for spam, by what became "
    "of them; spam / (spam + ham) is what the symbol is worth.",
    "messages",
    (Label("symbol"), Label("became", ("spam", "ham"))),
)
SCORE_DRIFT: Final = GaugeDef(
    "posthouse_score_drift",
    "Population stability index of the last hour's ham scores against the model's validation ham, the largest of all "
    "models in use; 0 below 200 messages. Above 0.25 the mail is no longer that of the training.",
    "1",
    (),
)
FILTER_STEP_SECONDS: Final = HistogramDef(
    "posthouse_filter_step_seconds",
    "One step of the filter on one message, by what came of it.",
    "seconds",
    (Label("step"), Label("outcome", ("passed", "decided", "late", "failed"))),
    FAST,
)
DELIVERIES: Final = CounterDef(
    "posthouse_deliveries_total",
    "Deliveries by outcome: the right side of the ledger.",
    "rcpts",
    (Label("outcome", ("stored", "merged", "held", "quarantined", "bounced", "discarded")),),
)
DELIVERY_AGE_SECONDS: Final = HistogramDef(
    "posthouse_delivery_age_seconds", "From the 250 to stored and visible.", "seconds", (), SLOW
)

COMMITS: Final = CounterDef(
    "posthouse_commits_total",
    "Operations on account logs by outcome; after `unknown` nobody can say whether it happened, and it is repeated.",
    "operations",
    (Label("outcome", ("committed", "duplicate", "refused", "unavailable", "unknown")),),
)
COMMIT_SECONDS: Final = HistogramDef(
    "posthouse_commit_seconds",
    "One operation from its arrival to its commit, the wait for its group included.",
    "seconds",
    (),
    FAST,
)
WATCHES_REFUSED: Final = CounterDef(
    "posthouse_watches_refused_total",
    "Accounts that another process may not watch for changes, since it watches mailstore.watched_accounts already.",
    "operations",
)
CASSANDRA_STATEMENTS: Final = CounterDef(
    "posthouse_cassandra_statements_total",
    "Statements sent to Cassandra, by name.",
    "operations",
    (Label("statement"),),
)
BLOB_OPERATIONS: Final = CounterDef(
    "posthouse_blob_operations_total",
    "Operations on the blob store.",
    "operations",
    (Label("operation", ("put", "get", "range")), Label("outcome", ("ok", "missing", "error"))),
)
BLOB_BYTES: Final = CounterDef(
    "posthouse_blob_bytes_total",
    "Octets written to and read from the blob store.",
    "bytes",
    (Label("operation", ("put", "get", "range")),),
)

DNS_LOOKUPS: Final = CounterDef(
    "posthouse_dns_lookups_total",
    "Look-ups by where the answer came from: the cache, a query, one under way for somebody else, memory past its TTL "
    "(`stale`), nowhere (`failed`: nothing is known, mail waits).",
    "operations",
    (Label("outcome", ("cached", "asked", "shared", "stale", "failed")),),
)
DNS_QUERIES: Final = CounterDef(
    "posthouse_dns_queries_total",
    "Queries to a resolver by what came back; `odd` is what is asked again over TCP, cut replies for one.",
    "operations",
    (
        _UPSTREAM,
        Label("transport", ("udp", "tcp", "tls")),
        Label(
            "outcome",
            ("answered", "odd", "timeout", "unreachable", "malformed", "refused", "servfail", "busy"),
        ),
    ),
)
DNS_QUERY_SECONDS: Final = HistogramDef(
    "posthouse_dns_query_seconds", "Queries that were answered, connections included.", "seconds", (_UPSTREAM,), FAST
)
DNS_DATAGRAMS_IGNORED: Final = CounterDef(
    "posthouse_dns_datagrams_ignored_total",
    "Datagrams that answer nothing asked: late, or forged. A steady rise of `wrong_question` is an attack.",
    "operations",
    (_UPSTREAM, Label("reason", ("short", "unknown_id", "wrong_question"))),
)
DNS_UPSTREAM_WELL: Final = GaugeDef(
    "posthouse_dns_upstream_well", "1 if the resolver answers; 0 while others are asked first.", "1", (_UPSTREAM,)
)
DNS_CACHE_ENTRIES: Final = GaugeDef("posthouse_dns_cache_entries", "Answers kept.", "records")
DNS_CACHE_BYTES: Final = GaugeDef("posthouse_dns_cache_bytes", "Estimated memory of the answers kept.", "bytes")

DNS_LIST_LOOKUPS: Final = CounterDef(
    "posthouse_dns_list_lookups_total",
    "Look-ups in DNS lists by zone and what came of them: `hit`; `clear`, not listed; `error`, a code that says that "
    "the list does not serve us, or no code at all; `silent`, no answer in time.",
    "operations",
    (Label("list"), Label("outcome", ("hit", "clear", "error", "silent"))),
)
DNS_LIST_TRUSTED: Final = GaugeDef(
    "posthouse_dns_list_trusted", "1 if the list is asked; 0 while it lists what no list may.", "1", (Label("list"),)
)
REPUTATION_COUNTED: Final = CounterDef(
    "posthouse_reputation_counted_total",
    "Messages counted for their senders, by what their content looked like.",
    "messages",
    (Label("outcome", ("ham", "spam")),),
)
REPUTATION_DROPPED: Final = CounterDef(
    "posthouse_reputation_dropped_total",
    "Counts of senders that were not kept: too many senders, or the store did not take them.",
    "records",
)

IMAP_SESSIONS: Final = GaugeDef(
    "posthouse_imap_sessions",
    "Sessions by state.",
    "sessions",
    (Label("state", ("not_authenticated", "authenticated", "selected", "idle")),),
)
IMAP_COMMANDS: Final = CounterDef(
    "posthouse_imap_commands_total",
    "Commands by tagged response.",
    "operations",
    (Label("command"), Label("outcome", ("ok", "no", "bad"))),
)
IMAP_COMMAND_SECONDS: Final = HistogramDef(
    "posthouse_imap_command_seconds", "One command, store included.", "seconds", (Label("command"),), FAST
)
IMAP_PUSH_SECONDS: Final = HistogramDef(
    "posthouse_imap_push_seconds", "From the commit to EXISTS written to an idling client.", "seconds", (), FAST
)

LEDGER_UNACCOUNTED: Final = GaugeDef(
    "posthouse_ledger_unaccounted",
    "Accepted recipients older than 10 minutes without evidence of their fate, at the last audit. Must be 0.",
    "rcpts",
)

READY: Final = GaugeDef("posthouse_component_ready", "1 if the component is ready.", "1", (Label("component"),))
LOOP_LAG_SECONDS: Final = GaugeDef(
    "posthouse_loop_lag_seconds", "How late the event loop ran its last heartbeat.", "seconds"
)
BUILD_INFO: Final = GaugeDef("posthouse_build_info", "Always 1; the version is the label.", "1", (Label("version"),))
LOGS_DROPPED: Final = CounterDef(
    "posthouse_logs_dropped_total", "Log events dropped because the queue to the writer was full.", "records"
)
SPANS_DROPPED: Final = CounterDef(
    "posthouse_spans_dropped_total",
    "Spans that did not arrive: errors in unsampled traces above their rate, full queue, not taken by the collector.",
    "records",
    (Label("reason", ("error_rate", "queue_full", "not_taken")),),
)
LABELS_OVERFLOWED: Final = CounterDef(
    "posthouse_labels_overflowed_total", "Label values folded into `other` because a metric had too many.", "1"
)

METRICS: Final[tuple[MetricDef, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricDef)
)
"""Every metric, in the order above."""
