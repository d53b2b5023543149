"""Read a configuration: from a file, a folder, a live host, or a stack at a Git revision.

`lint`, `effective`, `diff`, `fmt` and `import` all read through this package, so that one policy holds for them:

- A folder is a machine's root when it holds `etc/pmta/config`, else its `/etc/pmta`. Includes are looked up inside it.
- A link inside the folder is followed. One that leads out of it is not: the author of a configuration must not have
  other files of this machine quoted. The main file is the operator's own choice when it is named itself; it may be a
  pipe then. Hosts follow no links at all.
- A file is at most 64 MiB, a configuration at most 20,000 files. Bytes that are not UTF-8 are kept as they are.
- A file that exists and cannot be used is `Unread`, with the reason. It is neither missing nor empty: each command
  reports it (`include-not-read`), and `import` refuses. A main file that cannot be read is an error everywhere.
"""

from pmtaform.sources.folder import FolderReader, locate, read_named, read_path
from pmtaform.sources.host import contents_in, from_snapshot, read_host, unconfirmed_change
from pmtaform.sources.model import DEFAULTS, LoadedConfiguration, Unread
from pmtaform.sources.revision import read_stack
from pmtaform.sources.writing import replace_native

__all__ = [
    "DEFAULTS",
    "FolderReader",
    "LoadedConfiguration",
    "Unread",
    "contents_in",
    "from_snapshot",
    "locate",
    "read_host",
    "read_named",
    "read_path",
    "read_stack",
    "replace_native",
    "unconfirmed_change",
]
