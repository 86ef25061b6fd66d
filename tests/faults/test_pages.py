"""What a user finds in a page, and what a filled-in form sends."""

from __future__ import annotations

from edge.verify import pages
from edge.verify.answers import Page, local
from edge.verify.faults import dice

PAGE = """<!doctype html><a href="/one?x=1">1</a><a href="https://elsewhere.example/">2</a><a>3</a>
<form action="/buy" method="post"><input type="hidden" name="_key" value="k.m">
<input type=hidden name=sku value=tea>
<input name="packs" type="number" min="2" max="99"><input type=number name=all>
<select name="size"><option>small cup<option value="b">big</select>
<input type="radio" name="leaf" value="whole"><input type="radio" name="leaf" value="cut">
<input type="checkbox" name="gift" value="yes"><textarea name="note"></textarea><input type=email name=mail>
<input name="off" disabled><input type="file" name="upload"><input type=color name=tint value="#fff">
<button name="do" value="now">Buy</button><button name="do" value="later">Wait</button></form>
<form><input type=search name=q></form>"""


def fill(number: int, **values: str) -> dict[str, str]:
    _, (form, _search) = pages.scan(PAGE)
    return dict(form.fill(dice("fill", number), values))


def test_links_and_forms_are_found():
    links, (buy, search) = pages.scan(PAGE)
    assert links == ["/one?x=1", "https://elsewhere.example/"]
    assert (buy.action, buy.method, buy.key) == ("/buy", "POST", "k.m")
    assert (search.action, search.method, search.key) == ("", "GET", "")
    assert buy.without_key().key == ""


def test_a_filled_form_sends_what_a_browser_would():
    filled = [fill(number) for number in range(60)]
    for values in filled:
        assert (values["_key"], values["sku"], values["tint"]) == ("k.m", "tea", "#fff")
        assert 2 <= int(values["packs"]) <= 11
        assert values["mail"].endswith("@example.org")
        assert not {"off", "upload"} & values.keys()
    assert {values["size"] for values in filled} == {"small cup", "b"}
    assert {values["leaf"] for values in filled} == {"whole", "cut"}
    assert {values["do"] for values in filled} == {"now", "later"}
    assert {values.get("gift") for values in filled} == {None, "yes"}


def test_values_that_are_given_come_before_chance():
    assert {fill(number, packs="7", extra="1")["packs"] for number in range(9)} == {"7"}
    assert fill(0, extra="1")["extra"] == "1"


def test_the_same_chance_fills_in_the_same():
    assert fill(3) == fill(3)
    assert [fill(number) for number in range(9)] != [fill(0)] * 9


def test_a_page_knows_its_own_site():
    page = Page("/shop/", 200, {"content-type": "text/html"}, PAGE.encode(), None)  # type: ignore[arg-type]
    assert page.links == ["/one?x=1"]
    assert [form.action for form in page.forms] == ["/buy", "/shop/"]
    assert local("/a/b", "../c?d#e") == "/c?d"
    assert local("/a", "mailto:x@example.org") == ""


def test_what_is_no_page_has_no_links():
    page = Page("/", 200, {"content-type": "application/json"}, b'"<a href=/x>"', None)  # type: ignore[arg-type]
    assert page.links == []
    assert page.json() == "<a href=/x>"
