"""telemetry: what a process says about itself, as logs, metrics and traces.

Every name is in a closed list (`spans.py`, `metric_names.py`), so that a dashboard or a test can rely on it.
Nothing here blocks the event loop and nothing names a person: addresses are hashed or scrubbed by default.
No settings are read here; `posthouse.runtime` passes plain values down.
"""
