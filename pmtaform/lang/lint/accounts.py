"""Accounts and sources that do not fit together: no client can log in, or none may send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Part
from pmtaform.lang.lint.hits import at, few, on, whole
from pmtaform.lang.lint.model import WARNING, Family, Hit, Rule
from pmtaform.lang.lint.reads import Reads, if_missing, on_words
from pmtaform.lang.values.networks import is_everyone

_BASIS: Final = "guide 3.3.2, 3.3.7, 3.3.8: the defaults of always-allow-relaying and of a user's source"

_AUTH: Final = "{auth}"
# Where one of these is, mail may come in without a source that relays.
_OTHER_WAYS: Final = ("relay-domain", "relay-address", "always-allow-relaying", "always-allow-api-submission")
_OTHER_SECTIONS: Final = (
    "bounce-processor",
    "feedback-loop-processor",
    "transmissions-api",
    "transmissions-api-listener",
)


def _relays(part: Part) -> bool:
    return part.is_set_to("always-allow-relaying", True) or part.is_set_to("always-allow-api-submission", True)


def _sources(facts: Facts) -> dict[str, list[Part]]:
    """Every source by its name in lower case, the vendor's too. Sections with one name add up."""
    by_name: dict[str, list[Part]] = {}
    vendors = facts.defaults.by_tag.get("source", ()) if facts.defaults else ()
    for part in (*facts.by_tag.get("source", ()), *vendors):
        by_name.setdefault(part.key.lower(), []).append(part)
    return by_name


def _any_relays(facts: Facts) -> bool:
    if any(facts.settings(name) for name in ("always-allow-relaying", "always-allow-api-submission")):
        return True
    return any(_relays(part) for parts in _sources(facts).values() for part in parts)


def _users(facts: Facts) -> dict[str, list[Part]]:
    by_name: dict[str, list[Part]] = {}
    for part in facts.by_tag.get("smtp-user", ()):
        by_name.setdefault(part.key.lower(), []).append(part)
    return by_name


def _source_of(parts: list[Part]) -> str:
    lines = [line for part in parts if (line := part.last("source")) is not None]
    return lines[-1].value.strip('"').lower() if lines else _AUTH


@Rule(
    code="users-may-not-relay",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Users who may not relay",
    explanation="PowerMTA rejects all mail of these users to outside addresses.",
    basis=_BASIS,
    whole=True,
    reads=(Reads(at=("<smtp-user",), others=("<smtp-user", "<source ", "always-allow")),),
    wrong="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
        <source 0/0>
          require-auth yes
        </source>
    """,
    right="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
          source {auth}
        </smtp-user>
        <source {auth}>
          always-allow-relaying yes
        </source>
        <source 0/0>
          require-auth yes
        </source>
    """,
)
def users_may_not_relay(facts: Facts) -> Iterator[Hit]:
    """Users that log in to a source which lets them send nowhere."""
    if not facts.complete or facts.settings("always-allow-relaying"):
        return
    sources = _sources(facts)
    demanded = any(part.is_set_to("require-auth", True) for parts in sources.values() for part in parts)
    if (_any_relays(facts) and not demanded) or any(
        _relays(part) for key, parts in sources.items() if is_everyone(key) for part in parts
    ):
        return
    barred = {
        name: parts
        for name, parts in _users(facts).items()
        if not any(_relays(part) for part in sources.get(_source_of(parts), ()))
    }
    if barred:
        yield _barred(barred, sources)


def _barred(barred: dict[str, list[Part]], sources: dict[str, list[Part]]) -> Hit:
    first = next(iter(barred.values()))
    source = _source_of(first)
    names = few([parts[0].node.argument for parts in barred.values()])
    many = len(barred) > 1
    detail = (
        f"{values.shown(names)} can log in, but may not send to any outside address: no <source> that "
        f"{'these users have' if many else 'this user has'} has always-allow-relaying yes, and its default is no. "
    )
    if source == _AUTH:
        detail += (
            "Write `source NAME` in the smtp-user and `always-allow-relaying yes` in <source NAME>, or in "
            f"<source {_AUTH}>."
        )
    else:
        detail += f"Write `always-allow-relaying yes` in <source {values.shown(source)}>."
    return on(first[0], detail, related=tuple(part.place for part in sources.get(source, ())[:1]))


@Rule(
    code="no-client-may-relay",
    severity=WARNING,
    family=Family.RELAYING,
    summary="No client may relay",
    explanation="A configuration needs a source that may relay; otherwise no mail leaves the server.",
    basis="guide 2.3, 3.3.2",
    whole=True,
    reads=if_missing(
        "<source ",
        "smtp-user",
        "always-allow",
        "relay-domain",
        "relay-address",
        "bounce-processor",
        "feedback-loop-processor",
        "transmissions-api",
    ),
    wrong="""
        smtp-listener 127.0.0.1:25
        <source 127.0.0.1>
          smtp-service yes
        </source>
    """,
    right="""
        smtp-listener 127.0.0.1:25
        <source 127.0.0.1>
          smtp-service yes
          always-allow-relaying yes
        </source>
    """,
)
def no_client_may_relay(facts: Facts) -> Iterator[Hit]:
    """A configuration in which no client at all may send to the outside."""
    if not facts.complete or _any_relays(facts) or facts.by_tag.get("smtp-user"):
        return
    if any(facts.settings(name) for name in _OTHER_WAYS) or any(facts.top(tag) for tag in _OTHER_SECTIONS):
        return
    detail = (
        "No <source> has `always-allow-relaying yes`, and its default is no: every client that sends to an "
        "outside address is "
        "rejected. Write it in the <source> of the machines that feed the mail, such as <source 127.0.0.1>."
    )
    yield whole(facts, detail)


@Rule(
    code="login-without-users",
    severity=WARNING,
    family=Family.RELAYING,
    summary="Login required, but no users",
    explanation="No client can send mail.",
    basis="guide 3.3.7, require-auth; 3.3.8",
    whole=True,
    reads=(Reads(at=("require-auth",), others=("smtp-user",)),),
    wrong="""
        smtp-listener 192.0.2.10:25
        <source 0/0>
          require-auth yes
        </source>
    """,
    right="""
        smtp-listener 192.0.2.10:25
        <source 0/0>
          require-auth yes
        </source>
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
    """,
)
def login_without_users(facts: Facts) -> Iterator[Hit]:
    if not facts.complete or facts.by_tag.get("smtp-user"):
        return
    if facts.defaults is not None and facts.defaults.by_tag.get("smtp-user"):
        return
    for part in facts.by_tag.get("source", ()):
        line = part.last("require-auth")
        if line is not None and line.is_true and not part.is_set_to("smtp-service", False):
            detail = (
                f"Clients of {part.title} must log in, and there is no <smtp-user>: none of them can send anything. "
                "Write <smtp-user NAME> with `password`, or remove the line."
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="user-without-password",
    severity=WARNING,
    family=Family.RELAYING,
    summary="User without password",
    explanation="No client can log in as this user: the default of authentication-method is password.",
    basis="guide 3.3.8",
    reads=on_words("<smtp-user"),
    wrong="""
        <smtp-user feeder>
          source partners
        </smtp-user>
    """,
    right="""
        <smtp-user feeder>
          source partners
          password kx9QvLmT2rW8zPbA
        </smtp-user>
    """,
)
def user_without_password(facts: Facts) -> Iterator[Hit]:
    for parts in _users(facts).values():
        methods = [line.value.strip('"').lower() for part in parts for line in part.named("authentication-method")]
        if methods and methods[-1] != "password":
            continue
        if any(part.named("password") or part.named("include") for part in parts):
            continue
        detail = (
            f"{parts[0].title} has no password, and needs one unless authentication-method is another: no "
            "client can log in as this user. Write `password`, or another authentication-method."
        )
        yield on(parts[0], detail)
