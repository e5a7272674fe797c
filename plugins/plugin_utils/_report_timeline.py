# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The timeline: one row for each PC on one axis of time, as SVG.

The axis counts moments, so PCs in several time zones stand below each other as it happened. It is labelled once for
each offset from UTC that the PCs' times have. Shapes differ as well as colours.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from ._report_events import KINDS, Event, events
from ._report_markup import Markup, tag
from ._report_times import moment_of, offset_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._report_result import PcResult
    from ._report_texts import Texts

_WIDTH, _LEFT, _RIGHT = 760, 130, 20
_ROW, _AXIS = 30, 34
_MOST_TICKS, _MOST_OFFSETS = 8, 6
_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 40320)
_BARS = frozenset({"window", "restart", "others", "unlock"})
_RECTANGLES = {"window": (11, 22.0), "restart": (8, 16.0), "others": (4, 8.0)}
"""The height of a bar above the middle of its row, and its whole height."""
_SHORT = 16
"""Letters of a PC's name beside its row; the whole name is in the row's title."""


class _Scale(NamedTuple):
    """The axis: from the first to the last moment, in seconds since 1970."""

    first: float
    last: float

    def x(self, moment: float) -> float:
        """Return the place of a moment, within the axis."""
        part = (min(max(moment, self.first), self.last) - self.first) / (self.last - self.first)
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)


class _Plan(NamedTuple):
    """The measures of the picture, and the events in it."""

    told: list[tuple[PcResult, list[Event]]]
    moments: list[datetime]
    offsets: list[timezone]

    @property
    def top(self) -> int:
        """The height of the axis."""
        return _AXIS * len(self.offsets)

    @property
    def height(self) -> int:
        """The height of the picture."""
        return self.top + _ROW * len(self.told) + 8

    def row(self, number: int) -> int:
        """Return the top of a PC's row."""
        return self.top + _ROW * number


def timeline(pcs: Sequence[PcResult], t: Texts) -> Markup | None:
    """Return the timeline, None if no PC has told a time."""
    plan = _plan(pcs, t)
    if not plan.moments:
        return None
    scale = _scale(plan.moments)
    return tag(
        "svg",
        tag("title", t("timeline_title", pcs=len(pcs)), id="timeline-title"),
        tag("desc", _described(plan.moments, t), id="timeline-desc"),
        *(_axis(scale, zone, _AXIS * n, plan.height, t) for n, zone in enumerate(plan.offsets)),
        *(_row(pc, found, scale, plan.row(n), t) for n, (pc, found) in enumerate(plan.told)),
        viewBox=f"0 0 {_WIDTH} {plan.height}",
        role="img",
        aria_labelledby="timeline-title timeline-desc",
    )


def names(pcs: Sequence[PcResult], t: Texts) -> Markup:
    """Return the names of the timeline's rows once more: they stay in place while the timeline is moved sideways."""
    plan = _plan(pcs, t)
    zones = (_zone(zone, _AXIS * n, t) for n, zone in enumerate(plan.offsets))
    drawn = (_name(pc.row.name, plan.row(n)) for n, (pc, _found) in enumerate(plan.told))
    box = f"0 0 {_LEFT} {plan.height}"
    return tag("svg", *zones, *drawn, viewBox=box, class_="names", aria_hidden="true")


def _plan(pcs: Sequence[PcResult], t: Texts) -> _Plan:
    told = [(pc, events(pc.row, t)) for pc in pcs]
    moments = [
        moment
        for _pc, found in told
        for event in found
        if event.kind != "window"
        for text in (event.at, event.until)
        if (moment := moment_of(text)) is not None
    ]
    return _Plan(told, moments, _offsets(moments))


def legend(t: Texts) -> Markup:
    """Return the list of shapes with their meaning."""
    return tag(
        "ul",
        *(_explained(kind, t) for kind in KINDS if kind != "ended"),
        class_="legend",
        aria_label=t("legend"),
    )


def _explained(kind: str, t: Texts) -> Markup:
    text = t("event_answer") if kind == "answered" else t(f"event_{kind}")
    left = 4 if kind in _BARS else 12
    sample = tag("svg", *_shape(kind, left, 20, 12), viewBox="0 0 24 24", aria_hidden="true")
    return tag("li", sample, text)


def _scale(moments: list[datetime]) -> _Scale:
    first, last = (one.timestamp() for one in (min(moments), max(moments)))
    spare = max(last - first, 600.0) * 0.03
    return _Scale(first - spare, max(last, first + 600.0) + spare)


def _offsets(moments: list[datetime]) -> list[timezone]:
    """Return the offsets from UTC that occur most, the most frequent one first."""
    counted = Counter(moment.utcoffset() or timedelta() for moment in moments)
    return [timezone(offset) for offset, _n in counted.most_common(_MOST_OFFSETS)]


def _described(moments: list[datetime], t: Texts) -> str:
    first, last = (t.time(moment.isoformat()) for moment in (min(moments), max(moments)))
    return t("timeline_desc", start=first, end=last)


# --- the axis


def _axis(scale: _Scale, zone: timezone, top: float, height: float, t: Texts) -> Markup:
    """Return the labels in one offset from UTC; the first one also has the lines."""
    ticks = _ticks(scale, zone)
    parts: list[Markup] = [_zone(zone, top, t)]
    day = None
    for tick in ticks:
        x = scale.x(tick.timestamp())
        parts.append(tag("text", f"{tick:%H:%M}", x=x, y=top + 14, class_="axis middle"))
        if tick.date() != day:
            text = tick.strftime(t("short_date"))
            parts.append(tag("text", text, x=x, y=top + 27, class_="axis middle"))
        day = tick.date()
        if top == 0:
            parts.append(tag("line", x1=x, x2=x, y1=top + 30, y2=height, class_="grid"))
    return tag("g", *parts)


def _zone(zone: timezone, top: float, t: Texts) -> Markup:
    return tag("text", t("utc", offset=offset_of(datetime.now(zone))), x=4, y=top + 14, class_="axis")


def _ticks(scale: _Scale, zone: timezone) -> list[datetime]:
    span = scale.last - scale.first
    step = next((m * 60 for m in _MINUTES if span <= m * 60 * _MOST_TICKS), span / _MOST_TICKS)
    shift = zone.utcoffset(None).total_seconds()
    begin = -(-(scale.first + shift) // step) * step - shift
    moments = [begin + n * step for n in range(_MOST_TICKS + 1)]
    return [datetime.fromtimestamp(one, UTC).astimezone(zone) for one in moments if one <= scale.last]


# --- a PC's row


def _row(pc: PcResult, found: list[Event], scale: _Scale, top: float, t: Texts) -> Markup:
    name, middle = pc.row.name, top + _ROW / 2
    order = sorted(found, key=lambda event: KINDS.index(event.kind))
    return tag(
        "g",
        tag("title", f"{name}: {t(f'outcome_{pc.outcome}')}"),
        tag("line", x1=0, x2=_WIDTH, y1=top, y2=top, class_="grid"),
        _name(name, top),
        *(_drawn(event, scale, middle, t) for event in order),
    )


def _name(name: str, top: float) -> Markup:
    short = name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}\u2026"
    return tag("text", short, x=4, y=top + _ROW / 2 + 4, class_="name")


def _drawn(event: Event, scale: _Scale, middle: float, t: Texts) -> Markup | None:
    at, until = moment_of(event.at), moment_of(event.until)
    if at is None:
        return None
    left = scale.x(at.timestamp())
    right = scale.x((until or at).timestamp())
    title = tag("title", f"{t.time(event.at)} {event.text}")
    return tag("g", title, *_shape(event.kind, left, max(right, left), middle))


def _shape(kind: str, left: float, right: float, y: float) -> list[Markup]:
    """Return the shape of an event from `left` to `right` around the height `y`."""
    if kind in _RECTANGLES:
        above, height = _RECTANGLES[kind]
        width = max(right - left, 3.0)
        return [tag("rect", x=left, y=y - above, width=width, height=height, class_=kind)]
    match kind:
        case "unlock":
            return [
                tag("rect", x=left, y=y - 6, width=max(right - left, 3.0), height=12.0, rx=5, class_="unlock")
            ]
        case "asked" | "answered":
            return [tag("circle", cx=left, cy=y, r=4, class_=kind)]
        case "program":
            return [_path(f"M{left - 4:.1f} {y + 5:.1f} l4 -9 l4 9 z", "program")]
        case "step":
            return [_path(f"M{left - 5:.1f} {y:.1f} l4 5 l7 -10", "step")]
        case "omitted":
            return [_path(f"M{left - 4:.1f} {y - 5:.1f} l8 10 m0 -10 l-8 10", "omitted")]
        case "erased":
            return [tag("rect", x=left - 4, y=y - 4, width=8, height=8, class_="erased")]
    return [_path(f"M{left:.1f} {y - 9:.1f} v18", "ended")]


def _path(drawn: str, kind: str) -> Markup:
    return tag("path", d=drawn, class_=kind)
