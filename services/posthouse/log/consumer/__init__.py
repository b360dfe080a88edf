"""log.consumer: chains of small steps over one consumer group.

intake (poll, window) → keyed queues (order per key, keys in parallel) → handler → offsets (highest contiguous) →
commit policy. Failures go through one pure decision: again in place, retry topic, or dead letters.
"""
