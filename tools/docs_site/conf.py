# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the documentation site: pages in Markdown beside antsibull-docs' pages of the collection."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from tools.docs_site.films import show_films

if TYPE_CHECKING:
    from collections.abc import Callable

    from docutils.nodes import Element, Node
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parents[2]

project = "Latchkey"
version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
copyright = "Latchkey contributors"  # noqa: A001 - Sphinx's name

extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
nitpicky = True
highlight_language = "none"
# The anchors of headings, as the usual viewers of Markdown make them.
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_title = f"Latchkey {version}"
# Files of packages, which are not imported: that would need all that the packages need.
PLAYER = distribution("mkdocs-asciinema-player").locate_file("mkdocs_asciinema_player/assets")
html_static_path = [
    "site.css",
    str(distribution("mermaidx").locate_file("mermaidx/assets/mermaid.js")),
    f"{PLAYER}/asciinema-player.min.js",
    f"{PLAYER}/asciinema-player.css",
]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
# A reader who opens the site from a folder has no server that could send the pages for summaries.
html_show_search_summary = False

ANSIBLE = "https://docs.ansible.com/ansible/latest"
ANSIBLE_PAGES = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
} | {
    f"ansible_collections.ansible.builtin.{name}_connection": (
        f"{ANSIBLE}/collections/ansible/builtin/{name}_connection.html"
    )
    for name in ("psrp", "ssh", "winrm")
}
"""Ansible's pages that antsibull-docs refers to: an inventory of all its pages would have to be downloaded."""


PLAY = """\
addEventListener("DOMContentLoaded", () => {{
  const place = document.createElement("div");
  document.querySelector('a[href$=".cast"]').closest("p").after(place);
  AsciinemaPlayer.create("data:text/plain;base64,{cast}", place, {{fit: "width", poster: "npt:0:07"}});
}});
"""
"""Shows the recorded run under the link to it. The run is in the script: a page in a folder may load no other file."""


def link_to_ansible(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Element
) -> nodes.reference | None:
    """Return a link for a reference to one of Ansible's pages; None for any other reference."""
    page = ANSIBLE_PAGES.get(node["reftarget"])
    return nodes.reference("", "", text, refuri=page, internal=False) if page else None


class Mermaid(SphinxDirective):
    """A diagram as its text, which the script replaces by a drawing."""

    has_content = True

    def run(self) -> list[Node]:
        """Return the text of the diagram."""
        text = escape("\n".join(self.content))
        return [nodes.raw("", f'<pre class="mermaid">{text}</pre>', format="html")]


class NoContents(SphinxDirective):
    """No table of contents in the text: the theme has one beside it."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = {
        "local": directives.flag,
        "depth": directives.positive_int,
    }

    def run(self) -> list[Node]:
        """Return nothing."""
        return []


def fit_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give a page its language, its films, and the scripts that draw its diagrams and play its recorded run."""
    if page.startswith("docs/customer."):
        context["language"] = page.rpartition(".")[2]
    if '<pre class="mermaid">' in context.get("body", ""):
        app.add_js_file("mermaid.js")
    if "body" in context:
        context["body"] = show_films(context["body"])
    if page == "docs/recorded-run":
        cast = b64encode((ROOT / f"{page}.cast").read_bytes()).decode()
        app.add_css_file("asciinema-player.css")
        app.add_js_file("asciinema-player.min.js")
        app.add_js_file(None, body=PLAY.format(cast=cast))


def setup(app: Sphinx) -> None:
    """Add to Sphinx the things that no extension has."""
    app.add_directive("contents", NoContents, override=True)
    app.add_directive("mermaid", Mermaid)
    app.connect("missing-reference", link_to_ansible)
    app.connect("html-page-context", fit_page)
