from posthouse.runtime.passwords import STAND_IN, hash_password, matches


def test_a_hash_matches_its_password_only() -> None:
    hashed = hash_password("käse 42")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert matches(hashed, "käse 42")
    assert not matches(hashed, "kase 42")


def test_what_is_no_hash_matches_nothing() -> None:
    assert not matches("", "")
    assert not matches("plain", "plain")
    assert not matches(STAND_IN, "")


def test_the_stand_in_costs_what_a_real_hash_costs() -> None:
    assert STAND_IN.split("$")[1:4] == hash_password("x").split("$")[1:4]
