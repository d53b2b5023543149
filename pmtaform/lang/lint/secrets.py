"""Passwords and what else is no one's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pmtaform.lang import values
from pmtaform.lang.catalogue import catalogue
from pmtaform.lang.lint.facts import Facts, Line
from pmtaform.lang.lint.hits import at, whole
from pmtaform.lang.lint.model import ERROR, WARNING, Family, Given, Hit, Rule
from pmtaform.lang.lint.reads import BLOCK, Reads, if_missing, on_words
from pmtaform.lang.lint.references import named_file
from pmtaform.lang.lint.subject import FileFacts
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
_SENSITIVE: Final = tuple(sorted({spec.name for spec in catalogue().directives if spec.sensitive}))
_READABLE: Final = (*on_words(*_SENSITIVE), Reads(at=("domain-key",)))
_SHORTEST: Final = 8
_PLACEHOLDERS: Final = ("(secret ", "{{", "${", "$(", "QQQ", "REDACTED", "redacted", "***", "###", "<")


def _passwords(facts: Facts) -> Iterator[Line]:
    for line in facts.named("password", "auth-password"):
        text = line.value.strip('"')
        if text and not text.startswith(_PLACEHOLDERS) and not text.startswith("$"):
            yield line


@Rule(
    code="guessable-password",
    severity=ERROR,
    family=Family.SECRETS,
    summary="Guessable password",
    explanation="Ports that accept logins are attacked around the clock; one account is enough to send anything.",
    basis="docs/powermta/mistakes.md row 98; the minimum length is our judgement (NIST SP 800-63B: 8)",
    security=True,
    reads=BLOCK,
    wrong="""
        <smtp-user feeder>
          password changeme
        </smtp-user>
    """,
    right="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
    """,
)
def guessable_password(facts: Facts) -> Iterator[Hit]:
    for line in _passwords(facts):
        why = _weakness(line.value.strip('"'), line)
        if why:
            detail = (
                f"The password {why}. Anyone who guesses it can send mail through this server. Use a generated one of "
                "16 characters or more, without a #."
            )
            yield at(line, detail, mark=line.node.name)


def _weakness(text: str, line: Line) -> str | None:
    """What makes a password easy to guess; it is never cited."""
    plain = text.lower()
    user = line.within.node.argument.lower() if line.within is not None and line.within.tag == "smtp-user" else ""
    if plain in _GUESSABLE or plain.rstrip("0123456789!@.") in _GUESSABLE:
        return "is one of the first that attackers try"
    if user and plain in (user, user[::-1], f"{user}123", f"{user}1"):
        return "is made of the user's name"
    if plain.isdecimal() and len(plain) < 16:
        return "has digits only"
    if len(set(plain)) <= 2:
        return "repeats one character"
    return f"has fewer than {_SHORTEST} characters" if len(text) < _SHORTEST else None


@Rule(
    code="plain-text-secret",
    severity=ERROR,
    family=Family.SECRETS,
    summary="Secret in clear text",
    explanation="A secret in Git is in every copy of the repository, for ever.",
    basis="docs/powermta/mistakes.md rows 97 and 98",
    security=True,
    reads=BLOCK,
    wrong="""
        <smtp-user feeder>
          password kx9QvLmT2rW8zPbA
        </smtp-user>
    """,
    right="""
        <smtp-user feeder>
          password (secret keyring:feeder)
        </smtp-user>
    """,
    given=Given(in_stack=True),
)
def plain_text_secret(facts: Facts) -> Iterator[Hit]:
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
            f"{name} has a reference in native text, which is written to the server unchanged: PowerMTA would use the "
            "reference itself as the secret. Write this part in YAML: {secret: keyring:NAME}."
        )
    return (
        f"The value of {name} is in a file of the stack, and so in every copy of the repository. Keep it in a "
        "keyring, a file or a program, and write a reference: {secret: keyring:NAME}."
    )


@Rule(
    code="secret-file-readable",
    severity=WARNING,
    family=Family.SECRETS,
    summary="File with secrets readable by others",
    explanation=(
        "The guide requires restrictive permissions: the file has passwords in clear text, or a key that signs mail "
        "in your name."
    ),
    basis="guide 10.4.2, 10.6.2",
    security=True,
    reads=_READABLE,
    wrong="domain-key s1,*,/etc/pmta/open.pem",
    right="domain-key s1,*,/etc/pmta/s1.pem",
    given=Given(files={"/etc/pmta/open.pem": FileFacts(mode=0o644), "/etc/pmta/s1.pem": FileFacts(mode=0o640)}),
)
def secret_file_readable(facts: Facts) -> Iterator[Hit]:
    with_secrets = {
        line.tree.path: line for line in facts.lines if line.spec is not None and line.spec.sensitive and line.value
    }
    for path, line in with_secrets.items():
        known = facts.file(path)
        if known is not None and known.mode is not None and known.mode & 0o007:
            detail = (
                f"{values.shown(path)} contains passwords and has the mode {known.mode:04o}: every user of the "
                "machine can read it. Make it 0640, owned by pmta."
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


@Rule(
    code="world-readable-data",
    severity=WARNING,
    family=Family.SECRETS,
    summary="Logs readable by every local user",
    explanation="Accounting files and logs have recipients' addresses.",
    basis="guide 3.3.11, 3.3.1.37",
    security=True,
    reads=BLOCK,
    wrong="log-file-world-readable yes",
    right="log-file-world-readable no",
)
def world_readable_data(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("world-readable", "log-file-world-readable"):
        if line.is_true:
            detail = "Every user of the machine can read recipients' addresses. Add readers to the group pmta instead."
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="message-content-logged",
    severity=WARNING,
    family=Family.SECRETS,
    summary="Message content in the log",
    explanation="The content is large, and personal.",
    basis="guide 3.3.7.62",
    security=True,
    reads=BLOCK,
    wrong="""
        <source 192.0.2.0/24>
          log-data yes
        </source>
    """,
    right="""
        <source 192.0.2.0/24>
          log-data no
        </source>
    """,
)
def message_content_logged(facts: Facts) -> Iterator[Hit]:
    for line in facts.named("log-data"):
        if line.is_true:
            detail = (
                "The whole content of every message goes into the log, which is large and reveals private messages. "
                "Trace one queue instead: `pmta trace --log-data QUEUE`."
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="runs-as-root",
    severity=WARNING,
    family=Family.SECRETS,
    summary="Daemon runs as root",
    explanation="A security hole in the daemon gives control of the whole machine.",
    basis="guide 3.3.1.8",
    security=True,
    reads=BLOCK,
    wrong="run-as-root yes",
    right="run-as-root no",
)
def runs_as_root(facts: Facts) -> Iterator[Hit]:
    for line in facts.settings("run-as-root"):
        if line.is_true:
            detail = (
                "The daemon runs as root, so a security hole in it opens the machine. Write no, and give the files "
                "to the user pmta. The change needs a restart."
            )
            yield at(line, detail, mark=line.node.name)


@Rule(
    code="runs-as-root-by-default",
    severity=WARNING,
    family=Family.SECRETS,
    summary="Daemon runs as root by default",
    explanation=(
        "A security hole in the daemon gives control of the whole machine, and the default of run-as-root is true."
    ),
    basis="guide 3.3.1.8",
    security=True,
    whole=True,
    reads=if_missing("run-as-root"),
    wrong="log-file /var/log/pmta/log",
    right="""
        log-file /var/log/pmta/log
        run-as-root no
    """,
)
def runs_as_root_by_default(facts: Facts) -> Iterator[Hit]:
    if not facts.settings("run-as-root") and facts.complete:
        yield whole(
            facts,
            "run-as-root is not set, and its default is true: the daemon runs as root. Write `run-as-root no`, and "
            "give the files to the user pmta. The change needs a restart.",
        )
