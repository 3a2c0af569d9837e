"""Pages as their command writes them, and what tests read out of them."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from descant.commands.page import page as page_command

# another page of the report
BESIDE = re.compile(r"(\.\./)?(\w+/)?\w+\.html")
VOID = {"meta", "img", "br", "link", "input", "hr", "col"}


class Page(HTMLParser):
    """Tags, text and addresses of a page; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read_page(html: str, *hidden: str) -> Page:
    """Parse a page, and check what holds for every page: nothing is fetched, no path of a machine is shown.

    Args:
        html: the page.
        hidden: texts that must not be in it, such as the folder of the test.
    """
    page = Page(html)
    for tag, attributes in page.tags:
        for name in ("src", "href", "poster", "data", "action", "srcset"):
            beside = tag == "a" and BESIDE.fullmatch(attributes.get(name, ""))
            assert beside or attributes.get(name, "data:").startswith(("data:", "#")), (tag, name)
        assert not any(name.startswith("on") for name in attributes), tag
    style = " ".join(re.findall(r"<style>(.*?)</style>", html, re.S))
    assert "url(" not in style and "@import" not in style
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'") and "http" not in policy
    for text in hidden:
        assert text not in html
    for attributes in page.all("img"):
        assert attributes["alt"]
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    for _, attributes in page.tags:
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name) in (None, *identifiers)
    return page


def make_page(page_name: str, output: Path, navigation: list[str] | None = None, **given: object) -> str:
    """A page, from what it is given."""
    page_command(page_name, json.dumps(given, default=str), output, navigation)
    return output.read_text()


def specs(html: str) -> list[dict]:
    """The charts of a page."""
    return [json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)]
