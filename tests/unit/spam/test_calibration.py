"""A domain's threshold comes from its confirmed ham, once there is enough."""

from dataclasses import replace

import numpy as np

from harness.spam_mail import small_model
from posthouse.spam.calibration import LAST, recalibrated
from posthouse.spam.models.model_file import dump, load

SCORES = np.random.default_rng(0).normal(-30, 1, 600)


def test_below_five_hundred_the_global_threshold_stays() -> None:
    model = small_model()
    assert recalibrated(model, SCORES[:499]).threshold_of(None) == model.threshold
    assert recalibrated(model, SCORES[:500]).threshold_of(None) < model.threshold


def test_a_domain_has_its_own_and_all_others_the_common_one() -> None:
    model = recalibrated(recalibrated(small_model(), SCORES), SCORES + 3, "example.org")
    assert model.threshold_of("example.org") > model.threshold_of("example.net") == model.threshold_of(None)


def test_only_the_last_two_thousand_count() -> None:
    many = np.concatenate([np.full(3_000, 50.0), np.random.default_rng(1).normal(-30, 1, LAST)])
    assert recalibrated(small_model(), many).threshold_of(None) < -20


def test_it_is_kept_in_the_file() -> None:
    model = recalibrated(small_model(), SCORES, "example.org")
    assert replace(load(dump(model)), version="").local == model.local
