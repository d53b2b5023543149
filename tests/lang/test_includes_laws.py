"""Includes are found from the text of a file where that is certain, and are those of its tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pmtaform.lang.includes import include_arguments, include_path, includes_in, is_url
from pmtaform.lang.parsing import parse_bytes
from pmtaform.lang.tree import Directive

_LINES = st.sampled_from(
    [
        "include /a/b\n",
        "INCLUDE /x*\r\n",
        "  include\t/q\n",
        'include "/a b"\n',
        "include /a # c\n",
        "# include /z\n",
        "include\n",
        "include http://a/b\n",
        "include /a,\n",
        "include /b{\n",
        "include /include\n",
        "include /c>\n",
        "\xa0include /d\n",
        "\x0cinclude /ff\n",
        "reply /abc\n",  # a broken regex takes the lines below it
        "/abc def\n",
        "reply /abc/ mode=x\n",
        "foo a,\n",
        "domain-macro m\n",
        "domain-macro m a,\n",
        "<domain x>\n",
        "<domain include>\n",
        "</domain>\n",
        "<pattern-list include>\n",
        "x 1\n",
        "\n",
        "y 2\n" * 21,
    ]
)


@given(st.lists(_LINES, max_size=10))
def test_the_includes_of_a_text_are_those_of_its_tree(lines: list[str]) -> None:
    content = "".join(lines).encode()
    tree = parse_bytes(content, "/etc/pmta/config")
    directives = [node for _, node in tree.walk() if isinstance(node, Directive) and node.name.lower() == "include"]
    wanted = [include_path(node.value) for node in directives if node.value and not is_url(node.value)]
    assert [argument for argument, _, _ in include_arguments(tree)] == wanted
    assert includes_in("/etc/pmta/config", content) == wanted
