"""Proves the short forms of arguments: words with quotes and Jinja blocks, lines that go on, options among the words of a command."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.engine.arguments import join, key_values, parse, split

FOLDED = "set -e && apt-cache madison {{ names | join(' ') }} \\ | awk '{print $3}' \\ | head -n 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a  b", ["a ", "b"]),
        ("  a", [" ", "a"]),
        ("a='b c' \"d  e\"", ["a='b c'", '"d  e"']),
        ("x={{ y | d('a b') }} {% if z %}q r{% endif %}", ["x={{ y | d('a b') }}", "{% if z %}q", "r{% endif %}"]),
        ("one\n two", ["one\n", "two"]),
        ("one \\\n two", ["one", "two"]),
        ("one \\ | two", ["one", "|", "two"]),
        ("'one \\ two' \\", ["'one \\ two'"]),
        ("say it\\'s\tso", ["say", "it\\'s\tso"]),
        ("'a\nb' c", ["'a\nb'", "c"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split(text) == words


@pytest.mark.parametrize("text", ["it's", "{{ a", "a {% if b", "echo ${#list[@]}", '"'])
def test_what_does_not_end(text: str) -> None:
    with pytest.raises(ValueError, match="failed at splitting arguments, either an unbalanced jinja2 block or quotes: "):
        split(text)


@pytest.mark.parametrize("text", ["a b", "  a  b ", "a\nb\n", "cat <<EOF\n  in\nEOF\n", "a 'b\n c' {{ d }}\n\n"])
def test_words_joined_again_are_the_text(text: str) -> None:
    assert join(split(text)).strip(" ") == text.strip(" ")


@pytest.mark.parametrize(
    ("action", "text", "arguments"),
    [
        ("copy", 'src=a dest="b c" content="x\\ty=z"', {"src": "a", "dest": "b c", "content": "x\ty=z"}),
        ("copy", "src=a\n    dest=b\n", {"src": "a", "dest": "b"}),
        ("lineinfile", 'line="a=\\"b c\\""', {"line": 'a="b c"'}),
        ("shell", FOLDED, {"_raw_params": "set -e && apt-cache madison {{ names | join(' ') }} | awk '{print $3}' | head -n 1"}),
        ("shell", "echo a \\\n| cat\n", {"_raw_params": "echo a | cat\n"}),
        ("shell", "  echo  a=b chdir=/tmp", {"_raw_params": "  echo  a=b", "chdir": "/tmp"}),
        ("command", "creates='/a b' touch x", {"_raw_params": "touch x", "creates": "/a b"}),
        ("command", "cmd=echo argv=x a\\=b", {"_raw_params": "cmd=echo argv=x a=b"}),
        ("raw", "echo a chdir=/tmp", {"_raw_params": "echo a", "chdir": "/tmp"}),
        ("include_tasks", "'a b.yml'", {"_raw_params": "a b.yml"}),
    ],
)
def test_arguments(action: str, text: str, arguments: dict[str, Any]) -> None:
    assert parse(action, text) == arguments


def test_a_word_that_is_no_option() -> None:
    assert parse("debug", "msg=hello world") == {"msg": "hello", "_raw_params": "world"}


def test_options_and_other_words() -> None:
    assert key_values("a=b c=' d' e \\=f") == ({"a": "b", "c": " d"}, ["e", "=f"])
