"""runtime: what every process needs around its own work.

Settings (one frozen typed object per process), lifecycle (start, readiness, drain, stop), health and metrics over
HTTP, TLS certificates, listeners with caps, the system's clock and ids, worker processes. It knows no mail.
"""
