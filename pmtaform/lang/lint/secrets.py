"""Passwords and what else is nobody's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, whole
from pmtaform.lang.lint.model import ERROR, WARNING, Hit, Rule
from pmtaform.lang.lint.references import named_file
from pmtaform.lang.secrecy import holds_secret
from pmtaform.plugins import SECRET_PROVIDERS

_GUESSABLE: Final = frozenset(
    {
        "password", "passwd", "pass", "passw0rd", "p@ssw0rd", "changeme", "change-me", "change_me", "changethis",
        "secret", "secret123", "letmein", "welcome", "qwerty", "abc123", "admin", "root", "test", "test123", "demo",
        "example", "pmta", "powermta", "smtp", "mail", "user", "default", "guest", "yourpassword", "your-password",
        "your_password", "mypassword", "strongpassword", "strong-password", "strong_password", "securepassword",
        "secure-password", "s3cret", "hunter2", "iloveyou", "monkey", "dragon", "master", "login", "pass123",
        "pass1234", "mailer",
    }
)  # fmt: skip
_REFERENCE: Final = re.compile("([a-z][a-z0-9-]*):.")
_SHORTEST: Final = 8
_PLACEHOLDERS: Final = ("(secret ", "{{", "${", "$(", "QQQ", "REDACTED", "redacted", "***", "###", "<")


def _passwords(facts: Facts) -> Iterator[Line]:
    for line in facts.named("password", "auth-password"):
        text = line.value.strip('"')
        if text and not text.startswith(_PLACEHOLDERS) and not text.startswith("$"):
            yield line


def _guessable(facts: Facts) -> Iterator[Hit]:
    for line in _passwords(facts):
        why = _weakness(line.value.strip('"'), line)
        if why:
            detail = (
                f"The password {why}. Whoever guesses it sends mail through this server. Take a generated one of 16 "
                "characters or more, without a #."
            )
            yield at(line, detail, mark=line.node.name)


def _weakness(text: str, line: Line) -> str | None:
    """What makes a password easy to guess; it is never cited."""
    plain = text.lower()
    user = line.within.node.argument.lower() if line.within is not None and line.within.tag == "smtp-user" else ""
    if plain in _GUESSABLE or plain.rstrip("0123456789!@.") in _GUESSABLE:
        return "is one of the first that are tried"
    if user and plain in (user, user[::-1], f"{user}123", f"{user}1"):
        return "is made of the user's name"
    if plain.isdecimal() and len(plain) < 16:
        return "has nothing but digits"
    if len(set(plain)) <= 2:
        return "is one character over and over"
    return f"has fewer than {_SHORTEST} characters" if len(text) < _SHORTEST else None


def _in_clear(facts: Facts) -> Iterator[Hit]:
    if not facts.subject.in_stack:
        return
    for line in facts.lines:
        if line.spec is not None and holds_secret(line.spec, line.value):
            yield at(line, clear_detail(line.name, line.value), mark=line.node.name)


def clear_detail(name: str, value: str) -> str:
    """What is wrong with a secret in clear text; the value is not repeated."""
    like = _REFERENCE.match(value.strip('"'))
    if like is not None and like[1] in SECRET_PROVIDERS:
        return (
            f"{name} is given a reference in native text, which goes to the server as it is: PowerMTA would "
            "use the reference itself as the secret. Write this part in YAML: {secret: keyring:NAME}."
        )
    return (
        f"The value of {name} is in a file of the stack, and so in every copy of the repository. Keep it in a "
        "keyring, a file or a program, and write a reference: {secret: keyring:NAME}."
    )


def _readable(facts: Facts) -> Iterator[Hit]:
    with_secrets = {
        line.tree.path: line for line in facts.lines if line.spec is not None and line.spec.sensitive and line.value
    }
    for path, line in with_secrets.items():
        known = facts.file(path)
        if known is not None and known.mode is not None and known.mode & 0o007:
            detail = (
                f"{values.shown(path)} has passwords in it and the mode {known.mode:04o}: every user of the machine "
                f"can read it. "
                "Make it 0640, owned by pmta."
            )
            yield at(line, detail, mark=line.node.name)
    for line in facts.named("domain-key"):
        path = named_file(line)
        known = facts.file(path) if path else None
        if known is not None and known.exists and known.mode is not None and known.mode & 0o077 & ~0o040:
            detail = (
                f"The private key {values.shown(path)} has the mode {known.mode:04o}; it must be readable for "
                f"PowerMTA alone. "
                "Make it 0600, or 0640."
            )
            yield at(line, detail, mark=path)


def _world_readable(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("world-readable", "log-file-world-readable"):
        if line.is_true:
            detail = (
                "Every user of the machine can read recipients' addresses. Let readers into the group pmta instead."
            )
            yield at(line, detail, mark=line.node.name)


def _log_data(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("log-data"):
        if line.is_true:
            detail = (
                "The whole content of every message goes into the log, which is heavy and reveals what people write. "
                "Trace one queue instead: `pmta trace --log-data QUEUE`."
            )
            yield at(line, detail, mark=line.node.name)


def _root(facts: Facts) -> Iterator[Hit]:
    for line in facts.settings("run-as-root"):
        if line.is_true:
            detail = (
                "The daemon keeps root, so a hole in it is a hole in the machine. Write no, and give the files to "
                "the user "
                "pmta; it takes a restart."
            )
            yield at(line, detail, mark=line.node.name)


def _root_by_default(facts: Facts) -> Iterator[Hit]:
    if not facts.settings("run-as-root") and facts.complete:
        yield whole(
            facts,
            "run-as-root is not set, and its default is true: the daemon keeps root. Write `run-as-root no`, and "
            "give the "
            "files to the user pmta; it takes a restart.",
        )


RULES: Final = (
    Rule(
        id="guessable-password",
        severity=ERROR,
        summary="The password is easy to guess",
        why="Ports that take logins are tried around the clock; one account is enough to send anything.",
        basis="docs/powermta/mistakes.md row 98; the shortest is our judgement (NIST SP 800-63B: 8)",
        check=_guessable,
        security=True,
    ),
    Rule(
        id="plain-text-secret",
        severity=ERROR,
        summary="A secret stands in the stack",
        why="What is in Git is in every copy of it, for ever.",
        basis="docs/powermta/mistakes.md rows 97 and 98",
        check=_in_clear,
        security=True,
    ),
    Rule(
        id="secret-file-readable",
        severity=WARNING,
        summary="Others may read a file with secrets",
        why="The guide demands restrictive permissions, because passwords are in clear and keys sign in your name.",
        basis="guide 10.4.2, 10.6.2",
        check=_readable,
        security=True,
    ),
    Rule(
        id="world-readable-data",
        severity=WARNING,
        summary="Every local user may read what is logged",
        why="Accounting files and logs hold recipients' addresses.",
        basis="guide 3.3.11, 3.3.1.37",
        check=_world_readable,
        security=True,
    ),
    Rule(
        id="message-content-logged",
        severity=WARNING,
        summary="The content of messages is logged",
        why="It is heavy, and personal.",
        basis="guide 3.3.7.62",
        check=_log_data,
        security=True,
    ),
    Rule(
        id="runs-as-root",
        severity=WARNING,
        summary="The daemon keeps root",
        why="A hole in it is a hole in the machine.",
        basis="guide 3.3.1.8",
        check=_root,
        security=True,
    ),
    Rule(
        id="runs-as-root-by-default",
        severity=WARNING,
        summary="The daemon keeps root by default",
        why="A hole in it is a hole in the machine, and the default of run-as-root is true.",
        basis="guide 3.3.1.8",
        check=_root_by_default,
        security=True,
        whole=True,
    ),
)
