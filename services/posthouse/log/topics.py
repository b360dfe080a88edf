"""The flow, in order: which record goes from whom to whom, under which key, and how long it is kept.

Chart, ACLs, the map in services/README.md and the diagrams are generated from these constants or tested against them.
`<group>.retry.<tier>` and `<group>.dlq` belong to a consumer group and carry the original octets of what it consumes.
A keyed topic is never enlarged in place, since keys would move: start wide, or make a `v2` and drain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

HOUR = 3_600
DAY = 86_400

FILTER = "filter"
DELIVERY = "delivery"
LEARNING = "learning"
ROAD_GROUPS = (FILTER, DELIVERY)
"""Those that carry mail."""
GROUPS = (*ROAD_GROUPS, LEARNING)
PROCESS_OF = {FILTER: "filter", DELIVERY: "delivery", LEARNING: "filter"}
"""Where each group's members run."""


@dataclass(frozen=True, slots=True)
class RetryTier:
    name: str
    delay: float
    """Seconds a record rests there before it is tried again."""


RETRY_TIERS = (RetryTier("30s", 30.0), RetryTier("5m", 300.0))
"""The first failure that outlasts retrying in place goes to the first tier, every later one to the last."""


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    payload: str
    """Message of posthouse.events.v1 that it carries."""
    key: str
    produced_by: tuple[str, ...]
    consumed_by: tuple[str, ...]
    """Consumer groups (PROCESS_OF says where they run). Empty = read by scans alone."""
    retry: tuple[str, ...] = ()
    dlq: str = ""
    partitions: int = 48
    """On Kafka. The embedded log has its own small, fixed number."""
    retention: int = -1
    """Seconds a record is kept; -1 = until every group has passed it (and 7 d more on Kafka)."""
    compacted: bool = False

    @property
    def kafka_config(self) -> dict[str, str]:
        """The topic's full configuration: aiokafka's alter_configs replaces everything, so it is always given whole."""
        config = {
            "min.insync.replicas": "2",
            "unclean.leader.election.enable": "false",
            # Ages and retry delays are by the broker's clock, whoever produced.
            "message.timestamp.type": "LogAppendTime",
        }
        if self.compacted:
            return config | {"cleanup.policy": "compact"}
        retention_ms = -1 if self.retention < 0 else self.retention * 1000
        return config | {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}


MAIL_ACCEPTED = Topic(
    "mail.accepted.v1",
    payload="Accepted",
    key="queue_id",
    produced_by=("mx", "submission", "delivery"),
    consumed_by=(FILTER,),
    retry=tuple(f"{FILTER}.retry.{tier.name}" for tier in RETRY_TIERS),
    dlq=f"{FILTER}.dlq",
)
MAIL_DELIVER = Topic(
    "mail.deliver.v1",
    payload="Deliver",
    key="account_id",
    produced_by=("filter",),
    consumed_by=(DELIVERY,),
    retry=tuple(f"{DELIVERY}.retry.{tier.name}" for tier in RETRY_TIERS),
    dlq=f"{DELIVERY}.dlq",
    partitions=256,
)
MAIL_TRACE = Topic(
    "mail.trace.v1",
    payload="TraceEvent",
    key="queue_id",
    produced_by=("filter", "delivery", "imap"),
    consumed_by=(),
    partitions=12,
    retention=30 * DAY,
)
MAIL_LEARN = Topic(
    "mail.learn.v1",
    payload="Lesson",
    key="account_id",
    produced_by=("imap",),
    consumed_by=(LEARNING,),
    retry=tuple(f"{LEARNING}.retry.{tier.name}" for tier in RETRY_TIERS),
    dlq=f"{LEARNING}.dlq",
    partitions=12,
    # No mail: what nobody has learned from for a week is let go.
    retention=7 * DAY,
)
DIR_STATE = Topic(
    "dir.state.v1",
    payload="directory record",
    key="entity",
    produced_by=("cli",),
    consumed_by=(),
    partitions=12,
    compacted=True,
)

FLOW = (MAIL_ACCEPTED, MAIL_DELIVER, MAIL_TRACE, MAIL_LEARN, DIR_STATE)
"""The topics that a mail, a lesson or a directory change takes, in order."""

MAIN_TOPIC = {group: topic for topic in FLOW for group in topic.consumed_by}
"""What each consumer group consumes."""


def retry_topic(group: str, tier: RetryTier) -> str:
    return f"{group}.retry.{tier.name}"


def dlq_topic(group: str) -> str:
    return f"{group}.dlq"


def side_topics(topic: Topic) -> tuple[Topic, ...]:
    """The retry tiers and the dead letters of a topic's consumers, as topics of their own."""
    side = replace(topic, produced_by=topic.consumed_by, retry=(), dlq="", partitions=min(topic.partitions, 12))
    tiers = tuple(replace(side, name=name) for name in topic.retry)
    dead = (replace(side, name=topic.dlq, consumed_by=(), retention=30 * DAY),) if topic.dlq else ()
    return tiers + dead


ALL_TOPICS = tuple(each for topic in FLOW for each in (topic, *side_topics(topic)))
BY_NAME = {topic.name: topic for topic in ALL_TOPICS}
