"""Configurations of one host as they are in use, and one-line changes of them."""

from __future__ import annotations

from collections.abc import Iterator

_HEAD = """\
postmaster postmaster@example.com
host-name mta1.example.com
log-file /var/log/pmta/log
smtp-listener 0.0.0.0:25
total-max-smtp-out 1200
<source 0/0>
    always-allow-relaying no
</source>
<source 127.0.0.1>
    always-allow-relaying yes
</source>
"""
_VMTA = """\
<virtual-mta mta-{n}>
    smtp-source-host 10.0.{n}.1 mta{n}.example.com
    domain-key s1,d{n}.example.com,/etc/pmta/dkim/d{n}.pem
    <domain gmail.com>
        max-smtp-out {out}
        retry-after 10m
        dkim-sign yes
    </domain>
    <domain yahoo.com>
        max-smtp-out {out}
        retry-after 15m
    </domain>
</virtual-mta>
"""
_DOMAIN = """\
<domain d{n}.example.net>
    max-smtp-out {out}
    max-msg-rate {n}00/h
    smtp-pattern-list list-{list}
    backoff-max-msg-rate 10/h
</domain>
"""
_REPLY = "    reply /4{n:02} .*(rate limit|blocked) code {list}-{n}/ mode=backoff\n"


def usual() -> str:
    """About 5,000 lines: reply lists, domains that name them, virtual MTAs with keys and domains of their own."""
    lists = "".join(f"<smtp-pattern-list list-{i}>\n{_replies(i)}</smtp-pattern-list>\n" for i in range(20))
    domains = "".join(_DOMAIN.format(n=n, out=n % 40 + 1, list=n % 20) for n in range(1, 111))
    vmtas = "".join(_VMTA.format(n=n, out=n % 30 + 1) for n in range(1, 251))
    return f"{_HEAD}{lists}{domains}<domain *>\n    max-smtp-out 20\n    dkim-sign yes\n</domain>\n{vmtas}"


def _replies(number: int) -> str:
    return "".join(_REPLY.format(n=n, list=number) for n in range(50))


def one_line(text: str) -> Iterator[tuple[str, str]]:
    """The text with one line changed: (what it is, the changed text)."""
    for what, old, new in (
        ("a comment", "host-name", "# a comment\nhost-name"),
        ("a rate", "max-msg-rate 100/h", "max-msg-rate 9000/h"),
        ("a limit for every other domain", "<domain *>\n    max-smtp-out 20", "<domain *>\n    max-smtp-out 200"),
        ("a reply rule", _REPLY.format(n=7, list=3), ""),
        ("a key", "    domain-key s1,d9.example.com,/etc/pmta/dkim/d9.pem\n", ""),
        ("an address", "smtp-source-host 10.0.9.1", "smtp-source-host 10.1.9.1"),
        ("a source", "always-allow-relaying no", "always-allow-relaying yes"),
        ("a global limit", "total-max-smtp-out 1200", "total-max-smtp-out 1500"),
    ):
        if old not in text:
            raise RuntimeError(f"nothing to change for {what}")
        yield what, text.replace(old, new, 1)


def many(*, rate: str = "100/h", top: str = "", moved: int = 0, key: str = "s1", without: str = "") -> str:
    """10,000 virtual MTAs with an address and a key each, in one pool, and 200 domains.

    `top` is put at top level, `moved` changes all addresses, `key` is the selector of all keys; `without` leaves out
    "domains", "every" (`<domain *>`) or "member" (one of the pool).
    """
    numbers = range(10_000)
    parts = [f"postmaster postmaster@example.com\nlog-file /var/log/pmta/log\n{top}"]
    parts += [
        f"<virtual-mta v{n}>\n    smtp-source-host 10.{(n + moved) >> 8}.{n & 255}.1 h{n}.example.com\n"
        f"    domain-key {key},d{n}.example.com,/etc/pmta/dkim/d{n}.pem\n</virtual-mta>\n"
        for n in numbers
    ]
    members = "".join(f"    virtual-mta v{n}\n" for n in numbers if n != 5 or without != "member")
    parts.append(f"<virtual-mta-pool all>\n{members}</virtual-mta-pool>\n")
    if without != "domains":
        parts += [
            f"<domain d{n}.example.net>\n    max-msg-rate {'100/h' if n else rate}\n    max-smtp-out 5\n</domain>\n"
            for n in range(200)
        ]
    if without != "every":
        parts.append("<domain *>\n    max-smtp-out 20\n    dkim-sign yes\n</domain>\n")
    return "".join(parts)


def many_changes() -> Iterator[tuple[str, str]]:
    """`many` with one thing changed: (what it is, the changed text)."""
    yield "one limit", many(rate="900/h")
    yield "<domain *> goes", many(without="every")
    yield "all other domains go", many(without="domains")
    yield "a member of the pool goes", many(without="member")
    yield "a global address comes", many(top="smtp-source-host 192.0.2.9 x.example.com\n")
    yield "a global key comes", many(top="domain-key g,example.org,/etc/pmta/dkim/g.pem\n")
    yield "all addresses change", many(moved=20_000)
    yield "all keys change", many(key="s2")


def feeders(default: str = "v1", rule: str = "a") -> str:
    """400 sources and 350 SMTP users with sources of their own; `default` and `rule` are what one of them has."""
    parts = ["postmaster postmaster@example.com\nlog-file /var/log/pmta/log\nsmtp-listener 0.0.0.0:25\n"]
    parts += [f"<virtual-mta v{n}>\n    smtp-source-host 10.9.0.{n} h\n</virtual-mta>\n" for n in range(20)]
    rules = "".join(f"    mail-from /@d{n}\\.com/ virtual-mta=v{n % 20}\n" for n in range(50))
    parts.append(f"<pattern-list rules>\n{rules}    mail-from /@{rule}\\.com/ virtual-mta=v1\n</pattern-list>\n")
    rewrites = "".join(f"    mail-from a{n}@example.com b{n}@example.com\n" for n in range(50))
    parts.append(f"<rewrite-list senders>\n{rewrites}    mail-from {rule}@example.com z@example.com\n</rewrite-list>\n")
    allowed = "    always-allow-relaying yes\n    smtp-service yes\n    pattern-list rules\n    rewrite-list senders\n"
    for n in range(400):
        chosen = default if n == 7 else f"v{n % 20}"
        parts.append(f"<source 10.{n >> 8}.{n & 255}.0/24>\n{allowed}    default-virtual-mta {chosen}\n</source>\n")
    for n in range(350):
        parts.append(f"<source c{n}>\n{allowed}</source>\n<smtp-user u{n}>\n    source c{n}\n</smtp-user>\n")
    return "".join(parts)
