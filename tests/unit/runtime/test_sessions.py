import uuid

from posthouse.model.ids import AccountId
from posthouse.runtime.sessions import SessionInfo, Sessions


def info(session_id: str, login: str, since_us: int = 0) -> SessionInfo:
    return SessionInfo(session_id, "imap", login, AccountId(uuid.uuid5(uuid.NAMESPACE_DNS, login)), "::1", "", since_us)


def test_list_is_oldest_first_and_forgets_who_left() -> None:
    sessions = Sessions()
    new, old = info("b", "alice@example.org", 2), info("a", "bob@example.org", 1)
    sessions.add(new, lambda: None)
    sessions.add(old, lambda: None)
    assert sessions.list() == [old, new]
    sessions.remove(old)
    sessions.remove(old)
    assert sessions.list() == [new]
    assert len(sessions) == 1


def test_kick_by_id_and_by_login() -> None:
    sessions, kicked = Sessions(), []
    for session_id, login in (("1", "alice@example.org"), ("2", "Alice@example.org"), ("3", "bob@example.org")):
        sessions.add(info(session_id, login), lambda session_id=session_id: kicked.append(session_id))
    assert sessions.kick("3") == 1
    assert kicked == ["3"]
    assert sessions.kick("ALICE@example.org") == 2
    assert kicked == ["3", "1", "2"]
    assert sessions.kick("nobody") == 0


def test_a_session_may_remove_itself_while_it_is_kicked() -> None:
    sessions = Sessions()
    infos = [info(str(n), "alice@example.org") for n in range(3)]
    for each in infos:
        sessions.add(each, lambda each=each: sessions.remove(each))
    assert sessions.kick("alice@example.org") == 3
    assert len(sessions) == 0
