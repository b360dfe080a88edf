"""events: what the log carries, generated from protos/posthouse/events. Only `posthouse.log.codec` imports it."""
