"""Configurations to measure with: generated, so that their size is known and nothing large is kept in Git."""

from __future__ import annotations

from dataclasses import dataclass

_HEAD = """\
# PowerMTA configuration, written by a machine for a measurement.
postmaster postmaster@example.com
host-name mta1.example.com
smtp-listener 10.0.0.1:25
http-mgmt-port 8080
http-access 127.0.0.1 admin
log-file /var/log/pmta/log

<source 127.0.0.1>
    always-allow-relaying yes
    process-x-virtual-mta yes
    smtp-service yes
</source>

"""
_VMTA = """\
# Customer {n}
<virtual-mta mta-{n}>
    smtp-source-host 10.{a}.{b}.{c} mta-{n}.example.com
    max-smtp-out 800
    <domain gmail.com>
        max-smtp-out 20  # more is answered with 421
        max-msg-rate 500/h
        retry-after 10m
    </domain>
    <domain yahoo.com>
        max-smtp-out 2
        max-msg-rate {rate}/h
        backoff-max-msg-rate 100/h
    </domain>
    <domain *>
        max-smtp-out 50
        dkim-sign yes
    </domain>
</virtual-mta>

"""
_DOMAIN = """\
<domain d{n}.example.net>
    max-smtp-out {out}
    max-msg-rate {rate}/h
    bounce-after 4d12h
</domain>

"""

_OWN_HEAD = """\
# mta-{host:03}: written for a measurement
postmaster postmaster@mta-{host:03}.example.org
host-name mta-{host:03}.example.org
http-mgmt-port 8080
http-access 127.0.0.1 admin
smtp-listener 0.0.0.0:25
log-file /var/log/pmta/log
total-max-smtp-out {total}
include /etc/pmta/relays.conf
include /etc/pmta/tenants.conf

<source 127.0.0.1>
    always-allow-relaying yes
    process-x-virtual-mta yes
</source>

"""
_OWN_DOMAIN = """\
<domain mx{n}.mta-{host:03}.example.net>
    max-smtp-out {out}
    max-msg-rate {rate}/h
    smtp-pattern-list answers-{list}
    retry-after 20m
</domain>
"""
_OWN_VMTA = """\

<virtual-mta tenant-{host:03}-{n:05}>
    smtp-source-host 10.{high}.{low}.{last} out{n}.mta-{host:03}.example.org
    domain-key k1,tenant{key}.example.org,/etc/pmta/dkim/tenant{key}.pem
    <domain aol.com>
        max-smtp-out {aol}
        dkim-sign yes
        retry-after 15m
    </domain>
    <domain gmx.de>
        max-smtp-out {gmx}
{tls}        retry-after 15m
    </domain>
    <domain comcast.net>
        max-smtp-out 8
{retry}    </domain>
</virtual-mta>
"""
_PATTERNS = 50  # replies in a list


@dataclass(frozen=True, slots=True)
class Size:
    """How much a configuration has: 5,000 lines are 219 virtual MTAs with three domains each, and so on."""

    vmtas: int
    domains: int
    lists: int


MEDIUM = Size(vmtas=219, domains=100, lists=8)
LARGE = Size(vmtas=4613, domains=2300, lists=60)


def own_configuration(host: int, size: Size, *, changed: bool = False) -> str:
    """The configuration of one host, which no other has: its own addresses, names and virtual MTAs.

    With `changed` five places differ: three values, a line more and a line less.
    """
    pieces = [_OWN_HEAD.format(host=host, total=1400 if changed else 1100)]
    for i in range(size.lists):
        replies = (f"    reply /5{n:02} .*({host}-{i}-{n}|try later|refused)/ mode=backoff\n" for n in range(_PATTERNS))
        pieces.append(f"<smtp-pattern-list answers-{i}>\n{''.join(replies)}</smtp-pattern-list>\n")
    for n in range(size.domains):
        limits = {"out": 4 + (n + host) % 30, "rate": 200 + (n * host) % 700, "list": n % size.lists}
        pieces.append(_OWN_DOMAIN.format(n=n, host=host, **limits))
    pieces += (_vmta(host, n, changed and n in {1, 2, 3, size.vmtas - 1}) for n in range(size.vmtas))
    return "".join(pieces)


def _vmta(host: int, n: int, changed: bool) -> str:
    more = 100 if changed and n not in {2, 3} else 0
    return _OWN_VMTA.format(
        host=host,
        n=n,
        high=64 + (n >> 8),
        low=n & 255,
        last=1 + host % 254,
        key=n % KEYS,
        aol=12 + (n + host) % 20 + more,
        gmx=6 + n % 10,
        tls="        use-starttls yes\n" if changed and n == 2 else "",
        retry="" if changed and n == 3 else "        retry-after 15m\n",
    )


KEYS = 3
INCLUDES = ("relays.conf", "tenants.conf")


def included(host: int, name: str) -> str:
    """A file that a host's configuration includes."""
    return "".join(f"relay-domain {name[:5]}{n}.mta-{host:03}.example.net\n" for n in range(20))


def configuration(lines: int) -> str:
    """A configuration of exactly `lines` lines: settings, virtual MTAs with domains in them, and domains."""
    pieces = [_HEAD]
    count, n = _HEAD.count("\n"), 0
    vmta, domain = _VMTA.count("\n"), _DOMAIN.count("\n")
    while count + vmta + domain <= lines:
        n += 1
        a, b, c = n >> 16 & 255, n >> 8 & 255, n & 255
        pieces.append(_VMTA.format(n=n, a=a, b=b, c=c, rate=1000 + n % 500))
        pieces.append(_DOMAIN.format(n=n, out=10 + n % 40, rate=100 + n % 900))
        count += vmta + domain
    pieces.extend("# the end\n" for _ in range(lines - count))
    return "".join(pieces)


def changed(text: str) -> str:
    """The same with one value changed, in the middle."""
    middle = text.index("        max-msg-rate 500/h", len(text) // 2)
    return text[:middle] + "        max-msg-rate 501/h" + text[middle + len("        max-msg-rate 500/h") :]


def unlike(text: str) -> str:
    """The same with a number after each setting's value, so that hardly two lines are alike."""
    lines = []
    for number, line in enumerate(text.splitlines()):
        plain = line and line[-1] != ">" and "#" not in line
        lines.append(f"{line}-{number}\n" if plain else line + "\n")
    return "".join(lines)
