"""Texts for the tests of providers and replies: a configuration, accounting records, a second version of the data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pmtaform.policy
from pmtaform.policy.catalogue import PolicyLibrary

DATA = Path(pmtaform.policy.__file__).parent / "data"
CONFIG = r"""log-file /var/log/pmta/log
<smtp-pattern-list replies>
    reply /^421[ -]/ mode=backoff
    reply /frequency limited/ skip-mx
    reply /back to normal/ mode=normal
    reply /too many/ mode=backoff,defer-queue
    reply /mailbox is odd/ bounce-rcpt
    reply /(?-i)ONLY PCRE/ bounce-queue
</smtp-pattern-list>
<bounce-category-patterns>
    /mailbox full/ quota-issues
    /[[:alpha:]]ox odd/ "bad-mailbox"
    /5\.1\.1/ bad-mailbox
    // other
</bounce-category-patterns>
<domain *>
    smtp-pattern-list replies
</domain>
<domain gmail.com>
    smtp-pattern-list missing
</domain>
<domain quiet.example>
    smtp-pattern-list ""
</domain>
<domain moved.example>
    smtp-pattern-list missing
    queue-to elsewhere.queue
</domain>
<virtual-mta v1>
    <domain *>
        smtp-pattern-list ""
    </domain>
</virtual-mta>
"""
RECORDS = '''type,timeLogged,rcpt,dsnStatus,dsnDiag,vmta,queue
t,2026-11-28,a@yahoo.fr,4.7.0,smtp;421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred,v1,yahoo.rollup/v1
t,2026-11-28,a@yahoo.fr,4.7.0,smtp;421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred,v1,yahoo.rollup/v1
b,2026-11-28,b@qq.com,5.0.0,"smtp;550 Ip frequency limited, see ""x""",v1,qq.com/v1
b,2026-11-28,b@qq.com,5.0.0,x-pmta;bounce-queue,v1,qq.com/v1
type,timeLogged,rcpt,dsnStatus,dsnDiag,vmta,queue
b,2026-11-28,b@qq.com,5.0.0,,v1,qq.com/v1
'''


def two_versions(folder: Path) -> PolicyLibrary:
    """The data as it is, and a later version in which Gmail differs, one provider is new and one is gone."""
    shutil.copytree(DATA / "2026.11", folder / "2026.11")
    shutil.copytree(DATA / "2026.11", folder / "2027.2")
    path = folder / "2027.2/providers.json"
    document = json.loads(path.read_text("utf-8"))
    by_id: dict[str, dict[str, Any]] = {row["id"]: row for row in document["providers"]}
    by_id["gmail"]["limits"][0]["value"] = 60
    by_id["gmail"]["domains"].append("gmail.example")
    by_id["gmail"]["mx"].pop()
    by_id.pop("facebook")
    by_id["new"] = {**by_id["gmail"], "id": "new", "name": "New"}
    path.write_text(json.dumps({**document, "providers": list(by_id.values())}), "utf-8")
    return PolicyLibrary(folder)
