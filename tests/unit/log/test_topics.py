"""The flow as constants: consistent with itself."""

from posthouse.log.topics import (
    ALL_TOPICS,
    BY_NAME,
    DELIVERY,
    DIR_STATE,
    FILTER,
    FLOW,
    GROUPS,
    LEARNING,
    MAIL_ACCEPTED,
    MAIL_DELIVER,
    MAIL_LEARN,
    MAIL_TRACE,
    MAIN_TOPIC,
    PROCESS_OF,
    RETRY_TIERS,
    dlq_topic,
    retry_topic,
)


def test_names_are_distinct_and_known() -> None:
    assert len(BY_NAME) == len(ALL_TOPICS)
    assert [topic.name for topic in FLOW] == [
        "mail.accepted.v1",
        "mail.deliver.v1",
        "mail.trace.v1",
        "mail.learn.v1",
        "dir.state.v1",
    ]


def test_every_group_has_its_retry_tiers_and_dead_letters() -> None:
    assert MAIN_TOPIC == {FILTER: MAIL_ACCEPTED, DELIVERY: MAIL_DELIVER, LEARNING: MAIL_LEARN}
    assert tuple(MAIN_TOPIC) == GROUPS == tuple(PROCESS_OF)
    for group, topic in MAIN_TOPIC.items():
        assert topic.retry == tuple(retry_topic(group, tier) for tier in RETRY_TIERS)
        assert topic.dlq == dlq_topic(group)
        assert BY_NAME[topic.dlq].retention == 30 * 86_400
        assert all(BY_NAME[name].payload == topic.payload for name in (*topic.retry, topic.dlq))


def test_mail_is_never_dropped_by_age() -> None:
    for topic in (MAIL_ACCEPTED, MAIL_DELIVER, *(BY_NAME[name] for name in MAIL_DELIVER.retry)):
        assert topic.kafka_config["retention.ms"] == "-1"
    # A lesson is no mail.
    assert MAIL_LEARN.kafka_config["retention.ms"] == str(7 * 86_400_000)
    assert MAIL_TRACE.kafka_config["retention.ms"] == str(30 * 86_400_000)
    assert DIR_STATE.kafka_config["cleanup.policy"] == "compact"
    assert "retention.ms" not in DIR_STATE.kafka_config
