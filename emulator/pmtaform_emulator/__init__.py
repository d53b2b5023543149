"""A stand-in for PowerMTA, for the demo, tests and pipelines without a licence; not PowerMTA.

`install(root)` puts programs into a folder that stands for a machine's root: `/usr/sbin/pmta`, `/usr/sbin/pmtad` and
the init scripts `pmta` and `pmtahttp`. They read the real configuration files under that root, and answer as the
documentation of PowerMTA 5.0 says (docs/powermta/operations.md, docs/powermta/language.md). No mail is sent. Unless
`install(root, listen=True)` asks for it, no port is opened and nothing runs in the background: the daemon is a record
in `/var/lib/pmta-emulator`, which may be a symbolic link to a folder elsewhere. `fault` makes commands go wrong,
`figures` gives the server something to do, `calls` tells what was called.

Documented, and done so:

- `test config` checks the file on disk and touches nothing; `reload` checks it, says `Configuration reloaded.`, and on
  an error (`Error in line N of FILE: reason`) keeps the configuration that is in force;
- a start needs a `log-file`; a failed start says `DATE TIME Startup error: …` and stands in `pmta-startuperr.log`;
- `run-as-root`, `http-mgmt-port` and whatever else the catalogue calls restart-class keeps its old value until the
  service is restarted (`pmta emulator inforce` and `show status` tell);
- unknown, misplaced and malformed lines, macro loops, a virtual MTA in two pools with domains, a pool called like a
  virtual MTA, a `pattern-list` below the source that uses it and a second `<vault>` or `records` stop a load;
- `show settings`, JSON, XML and `--dom` have the documented shapes; command words may be shortened.

This emulator's choice, where the documentation is silent:

- all reasons but `argument missing`; that `test config` answers nothing when it succeeds; exit code 1 for every failure
  (3 for `status` of a stopped service); errors of commands on standard output, startup errors on standard error; the
  error shapes `{"status": "error", "message": …, "data": {}}`, `<rsp><error>…</error></rsp>` and `error="…"`;
- an undefined macro in `<domain $x>`, an include that is not there, an unclosed section, a stray closing tag and
  whatever is neither directive nor tag stop a load; repeated sections and directives, continued lists, broken regexes,
  names of things that are not there, relative includes (below `/etc/pmta`) and wildcards that match nothing do not,
  unless it is told to be strict (`fault(root, kind="strict")`);
- `config-defaults` is read first; wildcards in byte order; includes over the network are not read;
- a later line beats an earlier one; any domain of a virtual MTA beats any global one; of patterns, an exact name beats
  a longer suffix beats a shorter one beats `*`;
- `show settings` shows secrets as they were written;
- `test config`, `show version` and `show license` work while the daemon is down, all else fails;
- with `listen`, the SMTP listeners and the `http-mgmt-port` that are written down answer, on loopback only: another
  address is taken for 127.0.0.1, and the default ports are left alone. SMTP listeners follow a reload (`fault(root,
  kind="late-listeners")`: only a restart), the web monitor's port a restart of `pmtahttp`. A port that cannot be opened
  stops nothing; `pmta emulator inforce` and the log of calls tell;
- `--errors` adds a queue's events to the text, `--errors=N` the last N of them;
- 4.0 and 4.5 know no `test config` and no `--json`, and no directive that came later; `pmtad` returns at once.
"""

from pmtaform_emulator.faults import clear_faults, fault
from pmtaform_emulator.figures import figures
from pmtaform_emulator.install import calls, install

__all__ = ["calls", "clear_faults", "fault", "figures", "install"]
