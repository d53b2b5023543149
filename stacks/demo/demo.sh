#!/bin/sh
# The main job from end to end, on two local hosts under the PowerMTA stand-in. `make demo` runs it.
# Everything happens in a copy, .demo/, that is made anew each time.
set -eu
cd "$(dirname "$0")/../.."
if ! python -c 'import pmtaform_emulator' 2>/dev/null; then
    echo "The demo needs the stand-in for PowerMTA, which is not installed. Install it:" >&2
    echo "    pip install ./emulator" >&2
    exit 1
fi
rm -rf .demo
mkdir -p .demo/stacks
cp -R stacks/demo .demo/stacks/demo
rm -f .demo/stacks/demo/demo.sh
cd .demo

say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then cat; else tr -d '\033' | sed 's/\[[01]m//g'; fi; }
# Shows a command, runs it, and shows how it ended when that is not 0.
run() {
    printf '\n$ %s\n' "$*"
    code=0
    "$@" || code=$?
    [ "$code" = 0 ] || printf '(exit code %s)\n' "$code"
}
# The hosts are folders that stand for machines; this runs a program "on" one.
on() {
    host=$1 program=$2
    shift 2
    printf "\n%s# %s %s\n" "$host" "$program" "$*"
    "stacks/demo/hosts/$host/usr/sbin/$program" "$@"
}

for host in mta1 mta2; do
    python -m pmtaform_emulator install "stacks/demo/hosts/$host"
done
python -m pmtaform_emulator start stacks/demo/hosts/mta1 >/dev/null
# mta2 is fresh: PowerMTA was installed with the least configuration that it starts with.
printf 'log-file /var/log/pmta/log\nrun-as-root no\n\n<spool /var/spool/pmta>\n</spool>\n' >stacks/demo/hosts/mta2/etc/pmta/config
python -m pmtaform_emulator start stacks/demo/hosts/mta2 >/dev/null
mkdir -p stacks/demo/keys
(umask 077 && python -c '
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode(), end="")
' >stacks/demo/keys/example.com.pem)

echo "Two PowerMTA hosts, mta1 (grown by hand since 2019) and mta2 (fresh), should be as stacks/demo/stack.yaml says."
echo "PowerMTA cannot be given away, so pmtaform's stand-in plays its part here: it is for demos and tests, and delivers no mail."

say "1. Is the stack right? No host is looked at."
run pmtaform validate

say "2. What differs? Nothing is changed."
run pmtaform plan --out demo.plan

say "3. Apply that plan. Raising a limit many times over is a danger: it needs consent by name."
run pmtaform apply demo.plan
run pmtaform apply demo.plan --allow rate-raised
run cat stacks/demo/hosts/mta1/etc/pmta/config

say "4. Plan again: nothing is left to do."
run pmtaform plan

say "5. Somebody changes a limit by hand, at night."
run sed -i 's,max-msg-rate    500/h,max-msg-rate    9000/h,' stacks/demo/hosts/mta1/etc/pmta/config
run pmtaform drift
run pmtaform apply --auto-approve

say "6. A change that PowerMTA refuses: a directive found on the web."
cat >stacks/demo/found-on-the-web.yaml <<'YAML'
native: [files/found-on-the-web.conf]
YAML
mkdir -p stacks/demo/files
cat >stacks/demo/files/found-on-the-web.conf <<'CONF'
<domain comcast.net>
    max-conn 80
    max-msg-rate 100/h
</domain>
CONF
run pmtaform validate
echo
echo "An apply refuses it as well. Insist, and PowerMTA has the last word:"
run pmtaform apply --auto-approve --allow invented-directive
echo
echo "The files are back as they were, and the configuration in force is the old one:"
run pmtaform drift
on mta1 pmta show status
rm stacks/demo/found-on-the-web.yaml

say "7. Changed your mind? Every apply can be rolled back, from any machine."
echo "What comes back here is the limit of that night, so it needs consent."
run pmtaform rollback mta1 --auto-approve --allow rate-raised
run pmtaform rollback mta1 --list
run pmtaform state show mta1
