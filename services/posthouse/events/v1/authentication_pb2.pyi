from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SpfResult(_message.Message):
    __slots__ = ("result", "domain", "scope", "mechanism", "explanation", "reason")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    MECHANISM_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    result: str
    domain: str
    scope: str
    mechanism: str
    explanation: str
    reason: str
    def __init__(self, result: _Optional[str] = ..., domain: _Optional[str] = ..., scope: _Optional[str] = ..., mechanism: _Optional[str] = ..., explanation: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DkimResult(_message.Message):
    __slots__ = ("result", "domain", "selector", "identity", "algorithm", "key_bits", "testing", "partial_body", "signature_start", "reason")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    KEY_BITS_FIELD_NUMBER: _ClassVar[int]
    TESTING_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_START_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    result: str
    domain: str
    selector: str
    identity: str
    algorithm: str
    key_bits: int
    testing: bool
    partial_body: bool
    signature_start: str
    reason: str
    def __init__(self, result: _Optional[str] = ..., domain: _Optional[str] = ..., selector: _Optional[str] = ..., identity: _Optional[str] = ..., algorithm: _Optional[str] = ..., key_bits: _Optional[int] = ..., testing: _Optional[bool] = ..., partial_body: _Optional[bool] = ..., signature_start: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ArcResult(_message.Message):
    __slots__ = ("result", "instances", "oldest_pass", "sealers", "carried", "reason")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    INSTANCES_FIELD_NUMBER: _ClassVar[int]
    OLDEST_PASS_FIELD_NUMBER: _ClassVar[int]
    SEALERS_FIELD_NUMBER: _ClassVar[int]
    CARRIED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    result: str
    instances: int
    oldest_pass: int
    sealers: _containers.RepeatedScalarFieldContainer[str]
    carried: str
    reason: str
    def __init__(self, result: _Optional[str] = ..., instances: _Optional[int] = ..., oldest_pass: _Optional[int] = ..., sealers: _Optional[_Iterable[str]] = ..., carried: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DmarcResult(_message.Message):
    __slots__ = ("result", "author_domain", "policy_domain", "organizational_domain", "policy", "testing", "spf_aligned", "dkim_aligned", "dkim_domain", "reason")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    POLICY_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATIONAL_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    TESTING_FIELD_NUMBER: _ClassVar[int]
    SPF_ALIGNED_FIELD_NUMBER: _ClassVar[int]
    DKIM_ALIGNED_FIELD_NUMBER: _ClassVar[int]
    DKIM_DOMAIN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    result: str
    author_domain: str
    policy_domain: str
    organizational_domain: str
    policy: str
    testing: bool
    spf_aligned: bool
    dkim_aligned: bool
    dkim_domain: str
    reason: str
    def __init__(self, result: _Optional[str] = ..., author_domain: _Optional[str] = ..., policy_domain: _Optional[str] = ..., organizational_domain: _Optional[str] = ..., policy: _Optional[str] = ..., testing: _Optional[bool] = ..., spf_aligned: _Optional[bool] = ..., dkim_aligned: _Optional[bool] = ..., dkim_domain: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class IprevResult(_message.Message):
    __slots__ = ("result", "address", "name")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    result: str
    address: str
    name: str
    def __init__(self, result: _Optional[str] = ..., address: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class BimiResult(_message.Message):
    __slots__ = ("result", "domain", "selector", "location", "authority")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    result: str
    domain: str
    selector: str
    location: str
    authority: str
    def __init__(self, result: _Optional[str] = ..., domain: _Optional[str] = ..., selector: _Optional[str] = ..., location: _Optional[str] = ..., authority: _Optional[str] = ...) -> None: ...

class AuthenticationResults(_message.Message):
    __slots__ = ("spf", "helo", "dkim", "arc", "dmarc", "iprev", "bimi", "overrides")
    SPF_FIELD_NUMBER: _ClassVar[int]
    HELO_FIELD_NUMBER: _ClassVar[int]
    DKIM_FIELD_NUMBER: _ClassVar[int]
    ARC_FIELD_NUMBER: _ClassVar[int]
    DMARC_FIELD_NUMBER: _ClassVar[int]
    IPREV_FIELD_NUMBER: _ClassVar[int]
    BIMI_FIELD_NUMBER: _ClassVar[int]
    OVERRIDES_FIELD_NUMBER: _ClassVar[int]
    spf: SpfResult
    helo: SpfResult
    dkim: _containers.RepeatedCompositeFieldContainer[DkimResult]
    arc: ArcResult
    dmarc: DmarcResult
    iprev: IprevResult
    bimi: BimiResult
    overrides: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, spf: _Optional[_Union[SpfResult, _Mapping]] = ..., helo: _Optional[_Union[SpfResult, _Mapping]] = ..., dkim: _Optional[_Iterable[_Union[DkimResult, _Mapping]]] = ..., arc: _Optional[_Union[ArcResult, _Mapping]] = ..., dmarc: _Optional[_Union[DmarcResult, _Mapping]] = ..., iprev: _Optional[_Union[IprevResult, _Mapping]] = ..., bimi: _Optional[_Union[BimiResult, _Mapping]] = ..., overrides: _Optional[_Iterable[str]] = ...) -> None: ...
