"""The names of all dangers, worst first, each with what it costs in one line. `docs/dangers.md` is made from these."""

from __future__ import annotations

from typing import Final

# Worst first: a plan lists its dangers in this order.
CODES: Final = {
    "open-relay": "anyone may relay through the server",
    "relay-opened": "more clients or recipients may relay through the server",
    "submission-opened": "more clients may connect, log in, submit mail or choose its virtual MTA",
    "access-opened": "the web monitor opens to more addresses",
    "licence-removed": "PowerMTA's licence is deleted, and without it PowerMTA does not start again",
    "log-file-removed": "PowerMTA does not start again without a log file",
    "submission-cut-off": "clients or accounts that submit mail no longer can",
    "signing-key-removed": "mail goes out unsigned",
    "signing-key-replaced": "signatures fail until DNS shows the new key",
    "signing-changed": "mail is signed with another selector, identity or algorithm, or more weakly",
    "dkim-not-published": "mail is signed with a selector whose record receivers may not find",
    "tls-demanded": "mail stops where the other side has no TLS, or no certificate that verifies",
    "tls-dropped": "mail or passwords go over the network unencrypted, or to servers that are not verified",
    "virtual-mta-removed": "mail that is queued for a virtual MTA bounces",
    "mail-lost": "mail is discarded, bounced or rejected that was delivered before",
    "pool-emptied": "a pool has no virtual MTA left, or goes itself",
    "share-raised": "an address sends many times its share; receivers throttle or block it",
    "source-address-removed": "mail leaves from other addresses than before",
    "routing-changed": "mail goes another way: over another virtual MTA, or to other hosts",
    "mail-copied": "copies of mail go to an address that got none before",
    "suppression-lifted": "mail goes to recipients that a suppression list kept out",
    "rate-raised": "a limit is raised many times over; receivers throttle or block an address that sends a burst",
    "backoff-disabled": "queues no longer slow down when a receiver asks for it",
    "backoff-unending": "queues that slow down do not speed up again",
    "records-lost": "accounting records, logs or copies are no longer written, kept, or where they were",
    "unseen-contents": "PowerMTA reads a file that was not seen, so nothing is known of what it changes",
    "access-cut-off": "addresses or programs lose the web monitor and its interfaces",
    "restart": "PowerMTA, or its web monitor, has to be restarted for the change to take effect",
    "many-deletions": "a large part of a host's configuration is deleted",
    "dns-wrong": "DNS does not say what the change needs, and the stack requires it",
    "dns-unknown": "DNS could not be asked whether it says what the change needs, and the stack requires it",
    "certificate-expired": "a certificate is put on a host that has expired",
    "named-file-removed": "a file is deleted that the configuration still names",
}
# What needs consent by name as well, and is found only when hosts are to be changed.
CONSENTS: Final = {
    "undrained": "PowerMTA is restarted though more waits in its spool than `drain-below` allows",
    "frozen": "a host is changed though the stack has frozen it",
}
