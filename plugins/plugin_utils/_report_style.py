# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The look of the page: colours in light and dark, phones, paper."""

from __future__ import annotations

import base64
import hashlib

THEMES: dict[str, dict[str, str]] = {
    "light": {
        "back": "#ffffff", "panel": "#f6f8fa", "line": "#d0d7de", "text": "#1b1f24", "muted": "#57606a",
        "link": "#0550ae", "good": "#116329", "warn": "#7d4e00", "bad": "#a40e26",
        "window": "#d3e6fb", "restart": "#0550ae", "others": "#953800", "unlock": "#6639ba",
    },
    "dark": {
        "back": "#0d1117", "panel": "#161b22", "line": "#3d444d", "text": "#e6edf3", "muted": "#9da7b3",
        "link": "#79c0ff", "good": "#7ee787", "warn": "#e3b341", "bad": "#ffa198",
        "window": "#1c2f45", "restart": "#79c0ff", "others": "#ffa657", "unlock": "#d2a8ff",
    },
}  # fmt: skip
"""Colours by their use. Texts have a contrast of 4.5 to 1 at least, shapes of 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11)."""


def _variables(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{colour};" for name, colour in colours.items()) + "}"


_LOOK = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1rem;background:var(--back);color:var(--text);
font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.25rem;margin-top:2rem}h3{font-size:1.1rem}h4{font-size:1rem}
h1,h2,h3,h4{margin-bottom:.4rem}p,ul,ol,dl{margin:.4rem 0}ul{padding-left:1.3rem}ol{padding-left:2rem}
a{color:var(--link)}.muted{color:var(--muted)}time span{white-space:nowrap}
.skip{position:absolute;left:-999rem}.skip:focus{position:static}
.scroll{overflow-x:auto;margin:.5rem 0}.scroll:focus-visible,a:focus-visible{outline:3px solid var(--link)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line);min-width:6em}
thead th,span.good,span.warn,span.bad,span.plain{overflow-wrap:normal}
article{border:1px solid var(--line);border-radius:.5rem;padding:.2rem 1rem 1rem;margin:1rem 0;background:var(--panel)}
.brief{table-layout:fixed}.brief th:first-child{width:30%}.brief th:nth-child(2){width:22%}
dt{font-weight:600}dd{margin:0 0 .4rem}dd ul{margin:0}
.facts{display:grid;grid-template-columns:fit-content(45%) 1fr;gap:.2rem 1rem}.facts dd{margin:0}
.facts dt{overflow-wrap:normal}
.good{color:var(--good);font-weight:600}.warn{color:var(--warn);font-weight:600}
.bad{color:var(--bad);font-weight:600}.plain{font-weight:600}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem;border-left:3px solid var(--line);padding-left:.6rem}
svg{display:block}.night{display:grid;grid-template-columns:minmax(44rem,1fr)}
.night svg{grid-area:1/1;width:100%;height:auto}
.night .names{display:none;width:17.11%;position:sticky;left:0;background:var(--back)}.hint{display:none}
svg text{fill:var(--text);font-size:12px}svg .axis{fill:var(--muted)}svg .middle{text-anchor:middle}
.grid{stroke:var(--line);stroke-width:1}
.window{fill:var(--window)}.restart{fill:var(--restart)}.others{fill:var(--others)}
.unlock{fill:var(--back);stroke:var(--unlock);stroke-width:2.5}
.asked{fill:var(--back);stroke:var(--text);stroke-width:1.8}.answered{fill:var(--text)}
.step{fill:none;stroke:var(--good);stroke-width:2.5}.omitted{fill:none;stroke:var(--bad);stroke-width:2.5}
.program{fill:var(--unlock)}
.erased{fill:var(--back);stroke:var(--text);stroke-width:1.8}.ended{stroke:var(--muted);stroke-width:1.8}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1rem}
.legend li{display:flex;align-items:center;gap:.3rem}.legend svg{width:1.5rem;height:1.5rem;flex:none}
@media print,(min-width:48rem){dl,.facts{display:grid;grid-template-columns:12rem 1fr;gap:0 .5rem}dd{margin:0}}
@media screen and (max-width:47.99rem){
table,caption,tbody,tr,th,td{display:block}th,td{border:0;padding:0;min-width:0}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{padding:.4rem 0;border-bottom:1px solid var(--line)}td::before{content:attr(data-label);color:var(--muted)}
.brief th:first-child{width:auto}.brief tr{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem}
.brief td::before{content:none}.brief td:last-child{flex-basis:100%}
.night .names,.hint{display:block}.hint{color:var(--muted)}}
@media print{body{max-width:none;padding:0;font-size:10pt}.skip,.back{display:none}th,td{padding:.2rem .4rem}
.scroll{overflow:visible}.night{grid-template-columns:1fr}a{color:inherit;text-decoration:none}
article{break-before:auto;border:0;border-top:2pt solid var(--line);border-radius:0;padding:0;background:none}
tr,dd,li,h2,h3,h4,svg,.legend{break-inside:avoid}h2,h3,h4,dt,caption,thead{break-after:avoid}
.restart,.others,.window,.answered,.program{print-color-adjust:exact}}
@media (forced-colors:active){.window{fill:none;stroke:CanvasText;stroke-dasharray:3}}
@page{margin:15mm}
""".replace("\n", "")

_FORCED = dict.fromkeys(THEMES["light"], "CanvasText") | {
    "back": "Canvas",
    "panel": "Canvas",
    "window": "Canvas",
    "link": "LinkText",
}
"""The system's colours in place of ours, where the reader has chosen them; shapes differ by more than their colours."""

SHEET = (
    _variables(THEMES["light"])
    + "@media screen and (prefers-color-scheme:dark){"
    + _variables(THEMES["dark"])
    + "}@media (forced-colors:active){"
    + _variables(_FORCED)
    + "}:root{color-scheme:light dark}"
    + _LOOK
)
"""The page's whole style sheet. Paper is light. `.names` is as wide as the names' part of the timeline."""

POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'"
)
"""The page's content security policy: this sheet, and nothing else."""
