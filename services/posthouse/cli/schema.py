"""Every setting of every process: one file serves them all."""

from __future__ import annotations

from functools import cache

from posthouse.delivery.settings import DELIVERY
from posthouse.filter.beside.settings import MILTER
from posthouse.filter.external.settings import EXTERNAL
from posthouse.filter.settings import FILTER
from posthouse.imap.settings import IMAP
from posthouse.ingress.authentication_settings import AUTHENTICATION
from posthouse.ingress.content_settings import ATTACHMENTS, CLAMAV
from posthouse.ingress.settings import SMTP
from posthouse.mailstore.settings import MAILSTORE
from posthouse.mx.settings import MX
from posthouse.runtime.evidence_sections import EVIDENCE
from posthouse.runtime.sections import SHARED
from posthouse.runtime.settings import Schema
from posthouse.submission.settings import SUBMISSION


@cache
def schema() -> Schema:
    return Schema(
        [
            *SHARED,
            *EVIDENCE,
            SMTP,
            MX,
            AUTHENTICATION,
            ATTACHMENTS,
            CLAMAV,
            SUBMISSION,
            FILTER,
            *EXTERNAL,
            MILTER,
            DELIVERY,
            MAILSTORE,
            IMAP,
        ]
    )
