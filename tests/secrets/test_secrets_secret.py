"""A secret cannot get out by accident: each way in which objects are shown, kept or looked into."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import logging
import marshal
import pickle
import pprint
import reprlib
import shelve
import string
import traceback
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback

from pmtaform.secrets import Secret

MARK = "canary-6fa1"


def secret() -> Secret:
    return Secret(MARK.encode(), "env:TOKEN")


@dataclasses.dataclass
class Holder:
    held: Secret


def raised(kept: Secret) -> BaseException:
    """An error from a function that has the secret at hand."""
    listed = [kept, {"a": kept}, Holder(kept)]
    try:
        raise ValueError(f"about {kept} and {listed!r}", kept)
    except ValueError as error:
        return error


def rich_trace(kept: Secret) -> str:
    error = raised(kept)
    console = Console(file=StringIO(), width=200)
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def logged(kept: Secret) -> str:
    stream = StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("%s %r %a", kept, [kept], kept)
    logger.error("failed", exc_info=raised(kept), extra={"kept": kept})
    return stream.getvalue()


def bytes_of(value: object) -> str:
    """Everything that the interpreter tells of an object's attributes, one level deep."""
    told = [f"{name}={member!r}" for name, member in inspect.getmembers(value)]
    return "\n".join(told)


SHOWN: dict[str, Callable[[Secret], Any]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "f-string": lambda s: f"{s} {s!r} {s!s:>60} {s!a}",
    "format with a width": lambda s: f"{s:^80}",
    "percent": lambda s: "%s %r %a" % (s, s, s),  # noqa: UP031
    "str.format": lambda s: "{0} {0!r} {0.reference}".format(s),  # noqa: UP032
    "template": lambda s: string.Template("$x").substitute(x=s),
    "a dataclass": lambda s: repr(Holder(s)),
    "containers": lambda s: repr([s, (s,), {s}, {s: s}]),
    "pprint": lambda s: pprint.pformat({"a": [s]}),
    "reprlib": reprlib.repr,
    "rich": pretty_repr,
    "logging": logged,
    "an error's text": lambda s: str(raised(s)) + repr(raised(s).args),
    "a trace with locals": lambda s: "".join(
        traceback.TracebackException.from_exception(raised(s), capture_locals=True).format()
    ),
    "rich's trace with locals": rich_trace,
    "all attributes": bytes_of,
    "dir and getattr": lambda s: [getattr(s, name) for name in dir(s)],
}


@pytest.mark.parametrize("way", SHOWN)
def test_nothing_that_shows_objects_shows_it(way: str) -> None:
    shown = str(SHOWN[way](secret()))
    assert MARK not in shown
    assert shown


REFUSED: dict[str, Callable[[Secret], Any]] = {
    **{f"pickle protocol {n}": lambda s, n=n: pickle.dumps(s, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
    "pickled in a container": lambda s: pickle.dumps({"a": [s]}),
    "copy": copy.copy,
    "deepcopy": lambda s: copy.deepcopy([s]),
    "asdict": lambda s: dataclasses.asdict(Holder(s)),
    "json": json.dumps,
    "json of a container": lambda s: json.dumps({"a": s}),
    "marshal": marshal.dumps,
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "vars": vars,
    "getstate": lambda s: s.__getstate__(),
    "setstate": lambda s: s.__setstate__({}),
    "reduce": lambda s: s.__reduce__(),
    "reduce_ex": lambda s: s.__reduce_ex__(2),
    "iteration": list,
    "length": len,
    "joining": lambda s: "".join([s]),
    "adding": lambda s: "x" + s,
    "another kind": lambda _: type("Loud", (Secret,), {}),
}


@pytest.mark.parametrize("way", REFUSED)
def test_nothing_that_keeps_or_turns_objects_takes_it(way: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        REFUSED[way](secret())
    assert MARK not in "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True, compact=True).format()
    )


def test_a_shelf_does_not_take_it(tmp_path: Path) -> None:
    with shelve.open(str(tmp_path / "shelf")) as shelf, pytest.raises(TypeError):
        shelf["x"] = secret()
    assert all(MARK.encode() not in path.read_bytes() for path in tmp_path.iterdir())


@given(st.binary(min_size=4), st.text())
def test_it_looks_the_same_whatever_it_holds(value: bytes, reference: str) -> None:
    one, other = Secret(value, reference), Secret(b"something else", reference)
    assert (repr(one), str(one), f"{one:>90}") == (repr(other), str(other), f"{other:>90}")


def test_reveal_gives_it_and_equality_is_by_value() -> None:
    assert secret().reveal() == MARK.encode()
    assert secret() == Secret(MARK.encode(), "file:elsewhere")
    assert secret() != Secret(b"other", "env:TOKEN")
    assert secret() != MARK.encode()
    assert len({secret(), Secret(MARK.encode(), "x")}) == 1


def test_its_digest_is_of_no_use_under_another_key() -> None:
    assert secret().digest(b"k" * 32) == secret().digest(b"k" * 32)
    assert secret().digest(b"k" * 32) != secret().digest(b"l" * 32)
