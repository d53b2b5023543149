"""Configurations to measure with: generated, so that their size is known and nothing large is kept in Git."""

from __future__ import annotations

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
