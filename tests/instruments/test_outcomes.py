"""Each way a call can end has one word."""

from __future__ import annotations

import asyncio

import pytest

from bridgekit import errors
from bridgekit.instruments.outcomes import outcome_of


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (None, "ok"),
        (errors.RemoteError("x"), "remote-error"),
        (errors.CallTimeout("x"), "timeout"),
        (errors.CallCancelled("x"), "cancelled"),
        (asyncio.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
        (errors.QueueFull("x"), "queue-full"),
        (errors.BackendDied("x"), "died"),
        (errors.RestartLimitReached("x"), "unavailable"),
        (errors.EncodeError("x"), "error"),
        (TypeError("x"), "error"),
    ],
)
def test_words(error: BaseException | None, word: str) -> None:
    assert outcome_of(error) == word
