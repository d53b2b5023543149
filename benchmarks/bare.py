"""The baseline of `benchmarks.ssh`: connect to every host as paramiko does, run `true`, and nothing else.

As a program: a JSON list of [host, port, user, key file] on standard input, the number of threads as argument.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko

hosts = json.load(sys.stdin)
keys = {path: paramiko.Ed25519Key.from_private_key_file(path) for path in {host[3] for host in hosts}}


def look(host: tuple[str, int, str, str]) -> None:
    address, port, user, key = host
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(address, port, user, pkey=keys[key], allow_agent=False, look_for_keys=False)
    _, out, _ = client.exec_command("true")
    if out.channel.recv_exit_status():
        raise SystemExit("`true` failed")
    client.close()


with ThreadPoolExecutor(int(sys.argv[1])) as pool:
    list(pool.map(look, hosts))
