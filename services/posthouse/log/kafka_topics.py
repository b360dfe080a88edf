"""Makes the topics of the flow on a Kafka cluster: for tests, trials and clusters without an operator."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from posthouse.log.kafka_connection import KafkaConnection, kafka_errors
from posthouse.log.topics import ALL_TOPICS, Topic


async def ensure_topics(
    connection: KafkaConnection,
    *,
    replication: int = 3,
    partitions: int | None = None,
    topics: Sequence[Topic] = ALL_TOPICS,
) -> list[str]:
    """Makes what is missing, with the full configuration of log.topics; returns the names made. Existing topics are
    left as they are: aiokafka's alter_configs would reset whatever it is not told. `partitions` overrides all."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    made = []
    with kafka_errors("topics"):
        try:
            await admin.start()
            for topic in topics:
                config = topic.kafka_config
                if replication < 2:
                    config["min.insync.replicas"] = "1"
                name = connection.full(topic.name)
                new = NewTopic(name, partitions or topic.partitions, replication, topic_configs=config)
                answer = await admin.create_topics([new])
                for _, code, *_ in answer.topic_errors:
                    error = for_code(code)
                    if code == 0:
                        made.append(topic.name)
                    elif error is not TopicAlreadyExistsError:
                        raise error(name)
        finally:
            await admin.close()
    return made
