"""The ports of one process, filled."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.ports.blob_store import BlobStore
from posthouse.ports.clock import Clock
from posthouse.ports.directory import Directory
from posthouse.ports.ids import Ids
from posthouse.ports.log import Log
from posthouse.ports.mail_store import MailStore


@dataclass(frozen=True, slots=True)
class Adapters:
    log: Log
    mail_store: MailStore
    blobs: BlobStore
    directory: Directory
    clock: Clock
    ids: Ids
