"""Training repeats itself octet for octet, and asks for enough mail."""

import numpy as np
import pytest

from harness.spam_mail import SMALL, ham, small_model, spam
from posthouse.spam.models.model_file import dump
from posthouse.spam.sanitise import bucket, inner_bucket
from posthouse.spam.training import TooLittleMailError, hold_back, row_of, scores_of, train


def test_the_same_mail_and_seed_give_the_same_octets() -> None:
    rows = [row_of(spam(i), True) for i in range(40)] + [row_of(ham(i), False) for i in range(40)]
    held = [row_of(spam(i), True) for i in range(50, 62)] + [row_of(ham(i), False) for i in range(50, 62)]
    one, same = (dump(train(rows, held, settings=SMALL, seed=3)) for _ in range(2))
    assert one == same
    assert dump(train(rows, held, settings=SMALL, seed=4)) != one


def test_the_threshold_lets_no_validation_ham_over_it() -> None:
    model = small_model()
    held = [row_of(ham(i), False) for i in range(500, 560)]
    assert (scores_of(model, held) < model.threshold).all()


def test_a_threshold_between_kinds_that_lie_apart_is_in_their_middle() -> None:
    model = small_model()
    bad = scores_of(model, [row_of(spam(i), True) for i in range(500, 560)])
    good = scores_of(model, [row_of(ham(i), False) for i in range(500, 560)])
    assert model.threshold - good.max() == pytest.approx(np.quantile(bad, 0.01) - model.threshold, abs=0.01)


def test_too_little_mail_is_said() -> None:
    rows = [row_of(spam(i), True) for i in range(40)] + [row_of(ham(i), False) for i in range(9)]
    with pytest.raises(TooLittleMailError, match="9 ham"):
        train(rows, rows, settings=SMALL)


def test_what_is_held_back_hangs_on_content_alone() -> None:
    rows = [row_of(spam(i), True) for i in range(60)]
    kept, held = hold_back(rows)
    assert len(kept) + len(held) == 60
    assert all(row.bucket < 20 for row in held)
    assert rows[0].bucket == inner_bucket(spam(0))


def test_mail_that_was_split_before_still_has_a_part_to_hold_back() -> None:
    rows = [row_of(spam(i), True) for i in range(200) if bucket(spam(i)) < 60]
    kept, held = hold_back(rows)
    assert len(kept) > 3 * len(held) > 30


def test_the_card_says_what_it_was_made_of() -> None:
    card = small_model().card
    assert card["train"] == {"spam": 120, "ham": 120}
    assert set(card["validation"]["channels"]) == {"content", "words", "body structure", "structure", "rules", "header"}
