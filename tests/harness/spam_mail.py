"""Made-up spam and ham, enough to train a small model in seconds; deterministic by seed."""

from __future__ import annotations

import random
from functools import cache

from posthouse.spam.models.boosting import Boosting
from posthouse.spam.models.model import Model
from posthouse.spam.training import Settings, row_of, train

_SPAM_WORDS = (
    *("viagra", "casino", "winner", "millions", "cheap", "pills", "bonus", "click", "unsubscribe", "lottery"),
    *("mortgage", "rates", "guaranteed"),
)
_HAM_WORDS = (
    *("meeting", "report", "patch", "compile", "tuesday", "lunch", "review", "draft", "kernel", "schedule"),
    *("branch", "library", "budget"),
)
_BOTH = ("the", "and", "with", "you", "your", "for", "this", "that", "have", "from", "will", "about", "please", "new")

SMALL = Settings(content_bits=16, words_bits=16, content_epochs=2, words_epochs=2, boosting=Boosting(trees=20, depth=3))


def spam(number: int) -> bytes:
    """One spam message in HTML."""
    rng = random.Random(number)
    words = " ".join(rng.choice(_SPAM_WORDS + _BOTH) for _ in range(60))
    host = f"offer{rng.randrange(50)}.example.biz"
    return (
        f"Received: from [192.0.2.{number % 250}] by mx.example.org; Tue, 1 Jul 2025 10:00:{number % 60:02d} +0000\r\n"
        f'From: "Deals {number}" <win{rng.randrange(10**6)}@{host}>\r\nTo: you@example.org\r\n'
        f"Subject: {rng.choice(_SPAM_WORDS).upper()} {rng.choice(_SPAM_WORDS)}!!\r\n"
        f"Date: Tue, 1 Jul 2025 10:00:00 +0000\r\nMessage-ID: <{number}@{host}>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        f'<html><body><p>{words}</p><a href="http://{host}/x?id={number}">click here</a></body></html>\r\n'
    ).encode()


def ham(number: int) -> bytes:
    """One wanted message in plain text."""
    rng = random.Random(100_000 + number)
    words = " ".join(rng.choice(_HAM_WORDS + _BOTH) for _ in range(70))
    return (
        f"Received: from mail.example.net (mail.example.net [198.51.100.7]) by mx.example.org; "
        f"Tue, 1 Jul 2025 11:00:{number % 60:02d} +0000\r\n"
        f"From: Ann Person <ann{rng.randrange(20)}@example.net>\r\nTo: you@example.org\r\n"
        f"Subject: Re: {rng.choice(_HAM_WORDS)} {rng.choice(_HAM_WORDS)}\r\n"
        f"Date: Tue, 1 Jul 2025 11:00:00 +0000\r\nMessage-ID: <h{number}@example.net>\r\n"
        f"In-Reply-To: <q{number}@example.org>\r\nUser-Agent: Mutt/2.2\r\n\r\n"
        f"On Monday you wrote:\n> {words[:60]}\n\n{words}\n-- \nAnn\n"
    ).encode()


@cache
def small_model() -> Model:
    """Trained on 120 messages of each kind, validated on 60; about a second."""
    rows = [row_of(spam(i), True) for i in range(120)] + [row_of(ham(i), False) for i in range(120)]
    held = [row_of(spam(i), True) for i in range(500, 560)] + [row_of(ham(i), False) for i in range(500, 560)]
    return train(rows, held, settings=SMALL)
