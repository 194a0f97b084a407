"""Draw the states of a worker, from the table that the supervisor goes by, as SVG.

Only the places are chosen here; which ways there are, and what they are called, comes from
``bridgekit.policy.lifecycle``. A way without a place, or a place without a way, is an error:

    python scripts/lifecycle_diagram.py > docs/explanation/lifecycle.svg
"""

from __future__ import annotations

import sys
from html import escape

from bridgekit.policy.lifecycle import STATES, TRANSITIONS, State

UP: tuple[State, ...] = ("starting", "ready", "busy", "paused")
"""A process lives. What all four have in common is drawn once, as a way out of their frame."""

PLACES: dict[State, tuple[int, int]] = {
    "starting": (105, 80),
    "ready": (295, 80),
    "busy": (485, 80),
    "paused": (390, 170),
    "stopping": (700, 120),
    "stopped": (105, 330),
    "backing-off": (295, 330),
    "failed": (485, 330),
    "idle": (700, 330),
}
WIDTH, HEIGHT = 120, 36
FRAME = (25, 25, 540, 190)

# From and to, the corners of the line, and where its label stands.
WAYS = {
    ("starting", "ready"): ([(165, 80), (235, 80)], (200, 72)),
    ("ready", "busy"): ([(355, 74), (425, 74)], (390, 66)),
    ("busy", "ready"): ([(425, 88), (355, 88)], (390, 104)),
    ("ready", "paused"): ([(320, 98), (360, 152)], (366, 130)),
    ("paused", "ready"): ([(330, 170), (275, 170), (275, 98)], (248, 140)),
    ("busy", "paused"): ([(470, 98), (430, 152)], (478, 140)),
    ("up", "stopping"): ([(565, 120), (640, 120)], (602, 112)),
    ("up", "stopped"): ([(65, 215), (65, 312)], (42, 240)),
    ("up", "backing-off"): ([(275, 215), (275, 312)], (254, 240)),
    ("up", "failed"): ([(465, 215), (465, 312)], (436, 240)),
    ("stopping", "idle"): ([(700, 138), (700, 312)], (672, 240)),
    ("stopping", "stopped"): (
        [(760, 120), (790, 120), (790, 415), (85, 415), (85, 348)],
        (395, 409),
    ),
    ("stopped", "starting"): ([(125, 312), (125, 98)], (146, 240)),
    ("backing-off", "starting"): ([(315, 312), (315, 275), (125, 275), (125, 98)], (220, 269)),
    ("failed", "starting"): ([(505, 312), (505, 275), (125, 275), (125, 98)], (390, 269)),
    ("idle", "starting"): ([(720, 312), (720, 275), (125, 275), (125, 98)], (585, 269)),
    ("backing-off", "stopped"): ([(295, 348), (295, 380), (125, 380), (125, 348)], (210, 374)),
    ("failed", "stopped"): ([(485, 348), (485, 380), (125, 380), (125, 348)], (390, 374)),
    ("idle", "stopped"): ([(700, 348), (700, 380), (125, 380), (125, 348)], (585, 374)),
}

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 815 435" width="815" height="435" role="img">
<title>The states of a worker and the ways between them</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" \
orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>
<style>
text { font: 13px sans-serif; text-anchor: middle; fill: #222 }
.way { font-size: 11px; fill: #444; paint-order: stroke; stroke: #fff; stroke-width: 4px }
.line { fill: none; stroke: #555; marker-end: url(#tip) }
.state { fill: #eef3fb; stroke: #3b6ea8 }
.frame { fill: none; stroke: #3b6ea8; stroke-dasharray: 5 4 }
</style>
<rect width="815" height="435" rx="8" fill="#fff"/>
"""


def ways() -> dict[tuple[str, str], list[str]]:
    """Return the names of the events that lead from one place to another."""
    found: dict[tuple[str, str], list[str]] = {}
    for old, events in TRANSITIONS.items():
        for event, new in events.items():
            shared = old in UP and all(TRANSITIONS[state].get(event) == new for state in UP)
            names = found.setdefault(("up" if shared else old, new), [])
            if event not in names:
                names.append(event)
    return found


def draw() -> str:
    """Return the diagram; raise ValueError where the table and the places do not agree."""
    found = ways()
    strange = set(found) ^ set(WAYS) | {(state, state) for state in set(STATES) ^ set(PLACES)}
    if strange:
        raise ValueError(f"the diagram and the table differ in {sorted(strange)}")
    x, y, width, height = FRAME
    parts = [
        HEAD,
        f'<rect class="frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>\n',
        f'<text x="{x + 62}" y="{y + 18}">a process lives</text>\n',
    ]
    for points, _ in WAYS.values():
        line = " ".join(f"{left},{top}" for left, top in points)
        parts.append(f'<polyline class="line" points="{line}"/>\n')
    for state, (x, y) in PLACES.items():
        parts.append(
            f'<g><title>{escape(STATES[state])}</title><rect class="state" x="{x - WIDTH // 2}" '
            f'y="{y - HEIGHT // 2}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
            f'<text x="{x}" y="{y + 4}">{state}</text></g>\n'
        )
    for way, (_, (x, y)) in WAYS.items():
        parts.append(f'<text class="way" x="{x}" y="{y}">{", ".join(found[way])}</text>\n')
    return "".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    sys.stdout.write(draw())
