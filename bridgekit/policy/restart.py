"""Whether a worker that died is started again, and when: a pure function of its history.

Backoff doubles with full jitter up to a ceiling (Marc Brooker, "Exponential Backoff And Jitter",
AWS Architecture Blog, 2015). Restart intensity is that of Erlang/OTP's ``supervisor``
(``add_restart``): more than ``max_restarts`` deaths within ``window`` seconds end in failure.
Both forget only when a worker was on duty for ``stable_after`` seconds and served a call.

For each death call :func:`decide` and keep the history that it returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from bridgekit.policy.fields import boolean, one_of, seconds, whole
from bridgekit.policy.suggest import names_its_fields

__all__ = [
    "Death",
    "Decision",
    "GiveUp",
    "RestartHistory",
    "RestartPolicy",
    "Retry",
    "StayDown",
    "decide",
    "story",
]

_MAX_DOUBLINGS = 60
"""Beyond any ceiling; keeps 2.0**n finite for a backend that fails for years."""


@names_its_fields
@attrs.frozen
class RestartPolicy:
    """When a backend is started again after it died. Durations are float seconds.

    ``mode``: ``"on-failure"`` leaves a backend alone that ended well (exit code 0, nothing in
    flight, stable, and it had served a call); ``"always"`` starts that one again too;
    ``"never"`` restarts nothing. The n-th restart in a row waits ``backoff * 2**(n-1)``, at most
    ``backoff_max``, and with ``jitter`` a random part of it. ``backoff=0`` restarts at once.
    More than ``max_restarts`` deaths of one worker within ``window`` seconds: it has failed and
    is not started again.
    """

    mode: Literal["on-failure", "never", "always"] = attrs.field(
        default="on-failure", validator=one_of("on-failure", "never", "always")
    )
    max_restarts: int = attrs.field(default=5, validator=whole(0, "restarts"))
    window: float = attrs.field(default=180.0, validator=seconds())
    backoff: float = attrs.field(default=0.1, validator=seconds(zero=True))
    backoff_max: float = attrs.field(default=30.0, validator=seconds(zero=True))
    jitter: bool = attrs.field(default=True, validator=boolean())
    stable_after: float = attrs.field(default=30.0, validator=seconds(zero=True))

    def __attrs_post_init__(self) -> None:
        if self.backoff_max < self.backoff:
            raise ValueError(
                f"backoff_max={self.backoff_max!r} is not allowed: it must be at least "
                f"backoff={self.backoff!r}"
            )


@attrs.frozen(kw_only=True)
class Death:
    """How one process ended.

    ``at`` is the moment, ``lived`` the seconds it was on duty (ready and given calls; 0.0: it
    never got there) and ``age`` those since its start, ``served`` the calls that it ended, ``in_flight`` those it took with it.
    ``code`` is its exit code (negative: the number of the ``signal`` that ended it; None:
    unknown); ``reason`` says in words what happened. ``permanent`` means that trying again cannot help: a missing file, a bad
    configuration, another protocol version. ``requested`` means that its host stopped it.
    """

    at: float
    reason: str
    code: int | None = None
    signal: str | None = None
    pid: int | None = None
    lived: float = 0.0
    age: float = 0.0
    served: int = 0
    in_flight: int = 0
    permanent: bool = False
    requested: bool = False


@attrs.frozen
class RestartHistory:
    """What is remembered of one worker: its deaths within the window and the failures in a row."""

    deaths: tuple[Death, ...] = ()
    streak: int = 0


@attrs.frozen
class Retry:
    """Start it again at the moment ``at``, which is ``delay`` seconds away: attempt number n."""

    at: float
    delay: float
    attempt: int


@attrs.frozen
class GiveUp:
    """Do not start it again: it has failed. ``story`` tells of each death, for people."""

    story: str


@attrs.frozen
class StayDown:
    """Do not start it again: it was stopped on purpose, or ended well."""

    reason: str


Decision: TypeAlias = "Retry | GiveUp | StayDown"


def decide(
    policy: RestartPolicy,
    history: RestartHistory,
    death: Death,
    random: Callable[[], float],
) -> tuple[RestartHistory, Decision]:
    """Return the history with ``death`` in it, and what to do about that death.

    ``random`` returns a float in [0, 1).
    """
    if death.requested:
        return history, StayDown(death.reason)
    stable = death.lived >= policy.stable_after and death.served > 0
    if stable:
        history = RestartHistory()
    if _ended_well(death, stable=stable) and policy.mode != "always":
        return history, StayDown(f"ended by itself: {death.reason}")
    kept = tuple(past for past in history.deaths if death.at - past.at <= policy.window)
    history = RestartHistory((*kept, death), history.streak + 1)
    why = _final(policy, history, death)
    if why is not None:
        return history, GiveUp(story(history, why))
    delay = _delay(policy, history.streak, random)
    return history, Retry(death.at + delay, delay, history.streak)


def _ended_well(death: Death, *, stable: bool) -> bool:
    return stable and death.code == 0 and not death.in_flight and not death.permanent


def _final(policy: RestartPolicy, history: RestartHistory, death: Death) -> str | None:
    if death.permanent:
        return "starting it again cannot help"
    if policy.mode == "never":
        return "its restart policy is 'never'"
    if len(history.deaths) > policy.max_restarts:
        return (
            f"it died {len(history.deaths)} times within {policy.window:g} s, and at most "
            f"{policy.max_restarts} restarts are allowed in that time"
        )
    return None


def _delay(policy: RestartPolicy, streak: int, random: Callable[[], float]) -> float:
    doublings = min(streak - 1, _MAX_DOUBLINGS)
    ceiling = min(policy.backoff * 2.0**doublings, policy.backoff_max)
    return random() * ceiling if policy.jitter else ceiling


def story(history: RestartHistory, why: str) -> str:
    """Tell how it came to this: one line per death, oldest first, seconds before the last."""
    last = history.deaths[-1].at
    lines = [f"not started again: {why}"]
    for number, death in enumerate(history.deaths, 1):
        pid = "" if death.pid is None else f"pid {death.pid}, "
        life = f"after {death.lived:.1f} s on duty" if death.lived else "before it was on duty"
        calls = f", {death.served} calls served" if death.served else ""
        lost = f", {death.in_flight} in flight" if death.in_flight else ""
        ago = round(death.at - last, 1) + 0.0  # not -0.0
        lines.append(f"  {number}. {ago:+.1f} s: {pid}{death.reason}, {life}{calls}{lost}")
    return "\n".join(lines)
