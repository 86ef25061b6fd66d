"""`ctx.state`: a dict that knows whether it changed and whether it still fits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Problem
from edge.state import STATE_LIMIT, Shape, State

text = st.text(st.characters(codec="utf-8"), max_size=10)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(text, json_values, max_size=5))
def test_exported_state_is_what_was_put_in_and_has_not_changed(values: dict[str, Any]) -> None:
    state = State(values)
    assert not state.changed
    assert state.export() == values == dict(state)


def test_reads_and_writes_like_a_dict() -> None:
    state = State({"a": 1})
    state["b"] = 2
    del state["a"]
    assert (dict(state), len(state), list(state), "b" in state) == ({"b": 2}, 1, ["b"], True)
    assert state.setdefault("c", []) == []
    assert state.pop("missing", None) is None
    assert repr(state) == "State({'b': 2, 'c': []})"


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update(a=2),
        lambda state: state.pop("a"),
        lambda state: state.update(new=None),
        lambda state: state["cart"].update(tea=2),
        lambda state: state["cart"]["list"].append(1),
        lambda state: state.clear(),
    ],
)
def test_every_change_is_noticed_also_inside_nested_values(change: Any) -> None:
    state = State({"a": 1, "cart": {"list": []}})
    change(state)
    assert state.changed


def test_a_change_that_is_taken_back_is_none() -> None:
    state = State({"a": 1})
    state["a"] = 2
    state["a"] = 1
    assert not state.changed


def test_changes_do_not_reach_the_original() -> None:
    initial = {"cart": {"tea": 1}}
    State(initial)["cart"]["tea"] = 2
    assert initial == {"cart": {"tea": 1}}


def test_export_is_a_copy() -> None:
    state = State({"cart": {"tea": 1}})
    state.export()["cart"]["tea"] = 2
    assert state["cart"]["tea"] == 1


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan")])
def test_what_is_not_json_is_refused(value: Any) -> None:
    state = State({})
    state["a"] = value
    with pytest.raises((TypeError, ValueError)):
        state.export()


def test_the_limit_is_in_bytes_not_characters() -> None:
    room = STATE_LIMIT - len('{"a":""}')
    State({}).export()
    assert State({"a": "x" * room}).export()
    with pytest.raises(Problem, match="state-too-large"):
        State({"a": "é" * (room // 2 + 1)}).export()


def test_oversize_state_names_its_largest_keys() -> None:
    state = State({"cart": "x" * 1500, "tiny": 1, "seen": "x" * 700, "name": "x" * 50, "note": "x" * 20})
    with pytest.raises(Problem) as caught:
        state.export()
    detail = caught.value.detail
    assert (
        detail.index("cart (1502 bytes)") < detail.index("seen (702 bytes)") < detail.index("name (52 bytes)")
    )
    assert "tiny" not in detail
    assert "note" not in detail
    assert "ctx.records" in detail


# Layouts


def test_state_of_the_present_layout_is_left_as_it_is() -> None:
    values = {"cups": 1}
    for shape in (Shape(), Shape(3), Shape(3, lambda values, version: {"never": "called"})):
        assert shape.fit(values, shape.version) is values
    assert Shape(3).fit(values, 1) is values  # without a way to bring it there


def test_state_of_another_layout_is_brought_to_the_present_one_without_touching_what_was() -> None:
    def upgrade(values: dict[str, Any], version: int) -> dict[str, Any]:
        values["cart"]["from"] = version
        return {"basket": values.pop("cart")}

    before = {"cart": {"tea": 1}}
    assert Shape(3, upgrade).fit(before, 1) == {"basket": {"tea": 1, "from": 1}}
    assert before == {"cart": {"tea": 1}}


def test_a_value_that_is_no_json_is_named() -> None:
    state = State({})
    state["tags"] = {"a"}
    with pytest.raises(TypeError, match=r"ctx\.state or ctx\.sealed is not JSON: Object of type set"):
        _ = state.changed
