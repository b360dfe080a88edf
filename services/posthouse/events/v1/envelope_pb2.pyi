from posthouse.events.v1 import authentication_pb2 as _authentication_pb2
from posthouse.events.v1 import content_pb2 as _content_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Blob(_message.Message):
    __slots__ = ("blob_id", "tenant", "size")
    BLOB_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    blob_id: bytes
    tenant: str
    size: int
    def __init__(self, blob_id: _Optional[bytes] = ..., tenant: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class Body(_message.Message):
    __slots__ = ("size", "octets", "blob")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    size: int
    octets: bytes
    blob: Blob
    def __init__(self, size: _Optional[int] = ..., octets: _Optional[bytes] = ..., blob: _Optional[_Union[Blob, _Mapping]] = ...) -> None: ...

class TenantBody(_message.Message):
    __slots__ = ("tenant", "body")
    TENANT_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    body: Body
    def __init__(self, tenant: _Optional[str] = ..., body: _Optional[_Union[Body, _Mapping]] = ...) -> None: ...

class Rcpt(_message.Message):
    __slots__ = ("address", "account", "target", "detail", "tenant", "domain", "notify", "orcpt")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    NOTIFY_FIELD_NUMBER: _ClassVar[int]
    ORCPT_FIELD_NUMBER: _ClassVar[int]
    address: str
    account: bytes
    target: str
    detail: str
    tenant: str
    domain: str
    notify: str
    orcpt: str
    def __init__(self, address: _Optional[str] = ..., account: _Optional[bytes] = ..., target: _Optional[str] = ..., detail: _Optional[str] = ..., tenant: _Optional[str] = ..., domain: _Optional[str] = ..., notify: _Optional[str] = ..., orcpt: _Optional[str] = ...) -> None: ...

class Envelope(_message.Message):
    __slots__ = ("reverse_path", "rcpts", "smtputf8", "ret", "envid")
    REVERSE_PATH_FIELD_NUMBER: _ClassVar[int]
    RCPTS_FIELD_NUMBER: _ClassVar[int]
    SMTPUTF8_FIELD_NUMBER: _ClassVar[int]
    RET_FIELD_NUMBER: _ClassVar[int]
    ENVID_FIELD_NUMBER: _ClassVar[int]
    reverse_path: str
    rcpts: _containers.RepeatedCompositeFieldContainer[Rcpt]
    smtputf8: bool
    ret: str
    envid: str
    def __init__(self, reverse_path: _Optional[str] = ..., rcpts: _Optional[_Iterable[_Union[Rcpt, _Mapping]]] = ..., smtputf8: _Optional[bool] = ..., ret: _Optional[str] = ..., envid: _Optional[str] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("ip", "helo", "tls", "login")
    IP_FIELD_NUMBER: _ClassVar[int]
    HELO_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    ip: str
    helo: str
    tls: str
    login: str
    def __init__(self, ip: _Optional[str] = ..., helo: _Optional[str] = ..., tls: _Optional[str] = ..., login: _Optional[str] = ...) -> None: ...

class ListHit(_message.Message):
    __slots__ = ("list", "code", "score", "name")
    LIST_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    list: str
    code: str
    score: float
    name: str
    def __init__(self, list: _Optional[str] = ..., code: _Optional[str] = ..., score: _Optional[float] = ..., name: _Optional[str] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("queue_id", "envelope", "peer", "bodies", "received_us", "rcpts_accepted", "origin", "removed_headers", "authentication", "authors", "listed", "content", "schema_v")
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    BODIES_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_US_FIELD_NUMBER: _ClassVar[int]
    RCPTS_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    REMOVED_HEADERS_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATION_FIELD_NUMBER: _ClassVar[int]
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    LISTED_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_V_FIELD_NUMBER: _ClassVar[int]
    queue_id: str
    envelope: Envelope
    peer: Peer
    bodies: _containers.RepeatedCompositeFieldContainer[TenantBody]
    received_us: int
    rcpts_accepted: int
    origin: str
    removed_headers: _containers.RepeatedScalarFieldContainer[bytes]
    authentication: _authentication_pb2.AuthenticationResults
    authors: _containers.RepeatedScalarFieldContainer[str]
    listed: _containers.RepeatedCompositeFieldContainer[ListHit]
    content: _containers.RepeatedCompositeFieldContainer[_content_pb2.ContentFinding]
    schema_v: int
    def __init__(self, queue_id: _Optional[str] = ..., envelope: _Optional[_Union[Envelope, _Mapping]] = ..., peer: _Optional[_Union[Peer, _Mapping]] = ..., bodies: _Optional[_Iterable[_Union[TenantBody, _Mapping]]] = ..., received_us: _Optional[int] = ..., rcpts_accepted: _Optional[int] = ..., origin: _Optional[str] = ..., removed_headers: _Optional[_Iterable[bytes]] = ..., authentication: _Optional[_Union[_authentication_pb2.AuthenticationResults, _Mapping]] = ..., authors: _Optional[_Iterable[str]] = ..., listed: _Optional[_Iterable[_Union[ListHit, _Mapping]]] = ..., content: _Optional[_Iterable[_Union[_content_pb2.ContentFinding, _Mapping]]] = ..., schema_v: _Optional[int] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("kind", "score", "reasons")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNSPECIFIED: _ClassVar[Verdict.Kind]
        ACCEPT: _ClassVar[Verdict.Kind]
        TAG: _ClassVar[Verdict.Kind]
        JUNK: _ClassVar[Verdict.Kind]
        QUARANTINE: _ClassVar[Verdict.Kind]
        REJECT: _ClassVar[Verdict.Kind]
        DEFER: _ClassVar[Verdict.Kind]
    UNSPECIFIED: Verdict.Kind
    ACCEPT: Verdict.Kind
    TAG: Verdict.Kind
    JUNK: Verdict.Kind
    QUARANTINE: Verdict.Kind
    REJECT: Verdict.Kind
    DEFER: Verdict.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    kind: Verdict.Kind
    score: float
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, kind: _Optional[_Union[Verdict.Kind, str]] = ..., score: _Optional[float] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Deliver(_message.Message):
    __slots__ = ("delivery_id", "queue_id", "account", "rcpt", "reverse_path", "login", "body", "verdict", "headers", "received_us", "filtered_us", "attempt", "merged", "authentication", "schema_v")
    DELIVERY_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    RCPT_FIELD_NUMBER: _ClassVar[int]
    REVERSE_PATH_FIELD_NUMBER: _ClassVar[int]
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_US_FIELD_NUMBER: _ClassVar[int]
    FILTERED_US_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    MERGED_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_V_FIELD_NUMBER: _ClassVar[int]
    delivery_id: bytes
    queue_id: str
    account: bytes
    rcpt: Rcpt
    reverse_path: str
    login: str
    body: Body
    verdict: Verdict
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    received_us: int
    filtered_us: int
    attempt: int
    merged: int
    authentication: str
    schema_v: int
    def __init__(self, delivery_id: _Optional[bytes] = ..., queue_id: _Optional[str] = ..., account: _Optional[bytes] = ..., rcpt: _Optional[_Union[Rcpt, _Mapping]] = ..., reverse_path: _Optional[str] = ..., login: _Optional[str] = ..., body: _Optional[_Union[Body, _Mapping]] = ..., verdict: _Optional[_Union[Verdict, _Mapping]] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., received_us: _Optional[int] = ..., filtered_us: _Optional[int] = ..., attempt: _Optional[int] = ..., merged: _Optional[int] = ..., authentication: _Optional[str] = ..., schema_v: _Optional[int] = ...) -> None: ...
