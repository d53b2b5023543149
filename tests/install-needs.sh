#!/bin/sh
# Installs what the tests need beyond Python, when it may; else reports what is missing and fails.
set -eu
missing=''
command -v dash >/dev/null 2>&1 || missing="$missing dash"
command -v bash >/dev/null 2>&1 || missing="$missing bash"
command -v busybox >/dev/null 2>&1 || missing="$missing busybox-static"
command -v sudo >/dev/null 2>&1 || missing="$missing sudo"
command -v shellcheck >/dev/null 2>&1 || missing="$missing shellcheck"
command -v setfacl >/dev/null 2>&1 || missing="$missing acl"
command -v getfattr >/dev/null 2>&1 || missing="$missing attr"
ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || missing="$missing faketime"
command -v ssh-keygen >/dev/null 2>&1 || missing="$missing openssh-client"
[ -x /usr/sbin/sshd ] || command -v sshd >/dev/null 2>&1 || missing="$missing openssh-server"
[ -n "$missing" ] || exit 0
as_root=''
if [ "$(id -u)" != 0 ]; then
    if sudo -n true 2>/dev/null; then as_root='sudo -n'; else as_root=no; fi
fi
if [ "$as_root" = no ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "make test: missing:$missing" >&2
    echo "The tests talk to real OpenSSH servers and are never skipped. Install them first, as root:" >&2
    echo "    apt-get install$missing" >&2
    exit 1
fi
echo "make test: installing$missing"
# The server's own service is not wanted: the tests start private ones on loopback.
policy=/usr/sbin/policy-rc.d
made=''
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod 755 "$policy" && made=1
fi
status=0
{ $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/tmp/pmtaform-needs.$$ 2>&1 || status=$?
[ -z "$made" ] || $as_root rm -f "$policy"
[ "$status" = 0 ] || { cat /tmp/pmtaform-needs.$$ >&2; echo "make test: could not install$missing" >&2; }
rm -f /tmp/pmtaform-needs.$$
exit "$status"
