"""Proves ini_file: options and sections set, changed, removed, with comments and order kept; second run, check mode, diff, messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.module_calls import Call

INI = "[drinks]\nfav = lemonade\nbeverage = orange juice\n; cold = x\n\n[food]\nfav=pie\n"
FOOD = "\n[food]\nfav=pie\n"


def drinks(text: str) -> str:
    return "[drinks]\n" + text + FOOD


def option(name: str | None, value: Any = None, section: str | None = "drinks", **more: Any) -> dict[str, Any]:
    given = {"section": section, "option": name, "values" if isinstance(value, list) else "value": value, **more}
    return {key: item for key, item in given.items() if item is not None}


HAS = [{"option": "fav", "value": "lemonade"}]
OTHER = [{"option": "fav", "values": ["a", "b"]}]
REST = "beverage = orange juice\n; cold = x\n"
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    (INI, option("fav", "beer"), drinks("fav = beer\n" + REST), "option changed"),
    (INI, option("fav", "lemonade"), INI, "OK"),
    (INI, option("fav", "beer", no_extra_spaces=True), drinks("fav=beer\n" + REST), "option changed"),
    (INI, option("fav", "pie", "food"), INI.replace("fav=pie", "fav = pie"), "option changed"),
    (INI, option("fav", "pie", "food", ignore_spaces=True), INI, "OK"),
    (INI, option("fav", ""), drinks("fav = \n" + REST), "option changed"),
    (INI, option("fav", "a\\b = ü"), drinks("fav = a\\b = ü\n" + REST), "option changed"),
    (INI, option("FAV", "x"), drinks("fav = lemonade\nbeverage = orange juice\nFAV = x\n; cold = x\n"), "option added"),
    (INI, option("new", "x"), drinks("fav = lemonade\nbeverage = orange juice\nnew = x\n; cold = x\n"), "option added"),
    (INI, option("new", "x", "other"), INI + "[other]\nnew = x\n", "section and option added"),
    (INI, option("new", "x", "o[1]"), INI + "[o[1]]\nnew = x\n", "section and option added"),
    (INI, option(None, None, "other", allow_no_value=True), INI + "[other]\n", "only section added"),
    (INI, option("cold", "y"), drinks("fav = lemonade\nbeverage = orange juice\ncold = y\n"), "option changed"),
    (
        INI,
        option("cold", "y", modify_inactive_option=False),
        drinks("fav = lemonade\nbeverage = orange juice\ncold = y\n; cold = x\n"),
        "option added",
    ),
    (INI, option("new", None, allow_no_value=True), drinks("fav = lemonade\nbeverage = orange juice\nnew\n; cold = x\n"), "option added"),
    (INI, option("fav", None, allow_no_value=True), drinks("fav\n" + REST), "option changed"),
    (INI, option("a", "b", None), "a = b\n" + INI, "option added"),
    (INI, option("fav", state="absent"), drinks(REST), "option changed"),
    (INI, option("fav", "other value", state="absent"), drinks(REST), "option changed"),
    (INI, option("fav", ["other value"], state="absent", exclusive=False), INI, "OK"),
    (INI, option("none", state="absent"), INI, "OK"),
    (INI, option(None, None, "food", state="absent"), INI[: INI.index("[food]")], "section removed"),
    (INI, option(None, None, "none", state="absent"), INI, "OK"),
    (INI, option("beverage", ["lemon", "pear"]), drinks("fav = lemonade\nbeverage = lemon\nbeverage = pear\n; cold = x\n"), "option added"),
    (
        INI,
        option("beverage", ["lemon", "pear"], exclusive=False),
        drinks("fav = lemonade\nbeverage = orange juice\nbeverage = lemon\nbeverage = pear\n; cold = x\n"),
        "option added",
    ),
    ("[drinks]\nfav = a\nfav = b\n# fav = c\n", option("fav", "x"), "[drinks]\nfav = x\n", "option changed"),
    ("[drinks]\nfav = a\nfav = b\n", option("fav", ["b", "a"]), "[drinks]\nfav = a\nfav = b\n", "OK"),
    ("[drinks]\n#fav = a\n", option("fav", "x"), "[drinks]\nfav = x\n", "option changed"),
    (INI, option("beverage", "z", section_has_values=HAS), drinks("fav = lemonade\nbeverage = z\n; cold = x\n"), "option changed"),
    (
        INI,
        option("beverage", "z", section_has_values=OTHER),
        INI + "[drinks]\nfav = a\nfav = b\nbeverage = z\n",
        "section and option added",
    ),
    ("", option("fav", "x"), "\n[drinks]\nfav = x\n", "section and option added"),
    ("", option("fav", "x", None), "fav = x\n\n", "option added"),
    ("", option("fav", state="absent"), "", "OK"),
    ("[drinks]\nfav = x", option("fav", "x"), "[drinks]\nfav = x\n", "OK"),
    ("[drinks]", option("fav", "x"), "[drinks]\nfav = x\n", "option added"),
    ("[drinks]\nfav = y", option("last", "x"), "[drinks]\nfav = y\nlast = x\n", "option added"),
    ("\ufeff[drinks]\r\nfav = y\r\n", option("fav", "x"), "[drinks]\nfav = x\n", "option changed"),
]


@pytest.mark.parametrize(("before", "args", "after", "msg"), CASES)
def test_options(call: Call, tmp_path: Path, before: str, args: dict[str, Any], after: str, msg: str) -> None:
    path = tmp_path / "odd name ü.ini"
    path.write_bytes(before.encode())
    args = {"path": str(path), **args}
    checked = call("ini_file", args, check=True, diff=True)
    assert path.read_bytes() == before.encode()
    first = call("ini_file", args, diff=True)
    assert (first["changed"], first["msg"], path.read_bytes().decode()) == (before != after, msg, after)
    assert (checked["changed"], checked["msg"], checked["diff"]) == (first["changed"], first["msg"], first["diff"])
    assert first["diff"]["after"] == after and first["diff"]["after_header"] == f"{path} (content)"
    again = call("ini_file", args)
    assert (again["changed"], again["msg"], path.read_text()) == (False, "OK", after)


def test_files(call: Call, tmp_path: Path) -> None:
    path, link = tmp_path / "no" / "f", tmp_path / "link"
    args = {"path": str(path), "section": "s", "option": "o", "value": "v"}
    assert call("ini_file", {**args, "create": False})["msg"] == f"Destination {path} does not exist!"
    assert call("ini_file", args, check=True)["changed"] is True and not path.parent.exists()
    made = call("ini_file", {**args, "mode": "0640", "backup": True})
    assert (made["mode"], made["backup_file"]) == ("0640", "")
    backed = call("ini_file", {**args, "value": "w", "backup": True})
    assert Path(backed["backup_file"]).read_text() == "\n[s]\no = v\n"
    link.symlink_to(path)
    call("ini_file", {**args, "path": str(link), "value": "x", "follow": True})
    assert link.is_symlink() and path.read_text() == "\n[s]\no = x\n"
    call("ini_file", {**args, "path": str(link), "value": "y"})
    assert not link.is_symlink() and path.read_text() == "\n[s]\no = x\n" and link.read_text() == "\n[s]\no = y\n"


@pytest.mark.parametrize(
    ("args", "msg"),
    [
        ({"section": "s", "option": "o"}, "Parameter 'value(s)' must be defined if state=present and allow_no_value=False."),
        ({"section": "s", "option": "o", "value": "a", "values": ["b"]}, "parameters are mutually exclusive: value|values"),
        (
            {"section": "s", "option": "o", "value": "a", "section_has_values": [{"value": "x"}]},
            "missing required arguments: option found in section_has_values",
        ),
    ],
)
def test_messages(call: Call, tmp_path: Path, args: dict[str, Any], msg: str) -> None:
    assert call("ini_file", {"path": str(tmp_path / "f"), **args})["msg"] == msg


def test_a_file_that_is_no_text_is_named(call: Call, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"[s]\n\xff = 1\n")
    result = call("ini_file", {"path": str(tmp_path / "f"), "section": "s", "option": "o", "value": "v"})
    assert result["failed"] is True and result["msg"].startswith(f"{tmp_path}/f is not UTF-8 text: ")
