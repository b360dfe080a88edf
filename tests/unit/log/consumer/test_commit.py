"""The commit policy, by its own clock."""

from posthouse.log.consumer.commit import CommitPolicy


def test_once_in_a_while_and_only_when_something_moved() -> None:
    policy = CommitPolicy(every=1.0, last=10.0)
    moved = {("t", 0): 5}
    assert not policy.should_commit(100.0, {})
    assert not policy.should_commit(10.9, moved)
    assert policy.should_commit(11.0, moved)
    policy.committed(11.0)
    assert not policy.should_commit(11.5, moved)
