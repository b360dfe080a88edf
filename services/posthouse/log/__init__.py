"""log: the road between the stages: topics in order, record codec, consumer frame, and the adapters of `ports.log`."""
