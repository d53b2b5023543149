"""A stand-in for PowerMTA, for the demo, tests and pipelines without a licence; not PowerMTA.

`install(root)` puts programs into a folder that serves as a machine's root: `/usr/sbin/pmta`, `/usr/sbin/pmtad` and
the init scripts `pmta` and `pmtahttp`. They read the real configuration files under that root, and answer as the
documentation of PowerMTA 5.0 describes (docs/powermta/operations.md, docs/powermta/language.md). No mail is sent.
Unless `install(root, listen=True)` is called, no port is opened and nothing runs in the background: the daemon is a
record in `/var/lib/pmta-emulator`, which may be a symbolic link to a folder elsewhere. `fault` makes commands fail,
`figures` sets the figures that the server reports, `calls` returns the log of calls.

As documented:

- `test config` checks the file on disk and touches nothing; `reload` checks it, prints `Configuration reloaded.`, and
  on an error (`Error in line N of FILE: reason`) keeps the configuration that is in force;
- a start needs a `log-file`; a failed start prints `DATE TIME Startup error: …`, also to `pmta-startuperr.log`;
- `run-as-root`, `http-mgmt-port` and every other directive that needs a restart keep their old values until the
  service is restarted (`pmta emulator inforce` and `show status` list them);
- unknown, misplaced and malformed lines, macro loops, a virtual MTA in two pools with domains, a pool called like a
  virtual MTA, a `pattern-list` below the source that uses it and a second `<vault>` or `records` stop a load;
- `show settings`, JSON, XML and `--dom` have the documented shapes; command words may be shortened.

The emulator's choice, where the documentation is silent:

- all reasons but `argument missing`; that `test config` answers nothing when it succeeds; exit code 1 for every failure
  (3 for `status` of a stopped service); errors of commands on standard output, startup errors on standard error; the
  error shapes `{"status": "error", "message": …, "data": {}}`, `<rsp><error>…</error></rsp>` and `error="…"`;
- an undefined macro in `<domain $x>`, a missing include, an unclosed section, a stray closing tag and
  whatever is neither directive nor tag stop a load; repeated sections and directives, continued lists, broken regexes,
  references to what is not defined, relative includes (below `/etc/pmta`) and wildcards that match nothing do not,
  unless it is strict (`fault(root, kind="strict")`);
- `config-defaults` is read first; wildcards in byte order; includes over the network are not read;
- a later line beats an earlier one; any domain of a virtual MTA beats any global one; of patterns, an exact name beats
  a longer suffix beats a shorter one beats `*`;
- `show settings` shows secrets as they were written;
- `test config`, `show version` and `show license` work while the daemon is down, other commands fail;
- with `listen`, the SMTP listeners and the `http-mgmt-port` of the configuration answer, on loopback only: another
  address is read as 127.0.0.1, and the default ports stay closed. SMTP listeners follow a reload (`fault(root,
  kind="late-listeners")`: only a restart), the web monitor's port a restart of `pmtahttp`. A port that cannot be opened
  stops nothing; `pmta emulator inforce` and the log of calls report it;
- `--errors` adds a queue's events to the text, `--errors=N` the last N of them;
- 4.0 and 4.5 know no `test config` and no `--json`, and no directive that came later; `pmtad` returns at once.
"""

from pmtaform_emulator.faults import clear_faults, fault
from pmtaform_emulator.figures import figures
from pmtaform_emulator.install import calls, install

__all__ = ["calls", "clear_faults", "fault", "figures", "install"]
