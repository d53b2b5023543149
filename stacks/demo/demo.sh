#!/bin/sh
# Shows the main job from end to end, on two local hosts with the PowerMTA emulator. `make demo` runs it.
# It works in a copy, .demo/, which it makes anew each time.
set -eu
cd "$(dirname "$0")/../.."
if ! python -c 'import pmtaform_emulator' 2>/dev/null; then
    echo "The demo needs the PowerMTA emulator, which is not installed. Install it:" >&2
    echo "    pip install ./emulator" >&2
    exit 1
fi
rm -rf .demo
mkdir -p .demo/stacks
cp -R stacks/demo .demo/stacks/demo
rm -f .demo/stacks/demo/demo.sh
cd .demo

say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then cat; else tr -d '\033' | sed 's/\[[01]m//g'; fi; }
# Prints a command, runs it, and prints its exit code if that is not 0.
run() {
    printf '\n$ %s\n' "$*"
    code=0
    "$@" || code=$?
    [ "$code" = 0 ] || printf '(exit code %s)\n' "$code"
}
# Each host is a folder that serves as a machine's root. Runs a program of one.
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
# mta2 is new: it has the smallest configuration that PowerMTA starts with.
printf 'log-file /var/log/pmta/log\nrun-as-root no\n\n<spool /var/spool/pmta>\n</spool>\n' >stacks/demo/hosts/mta2/etc/pmta/config
python -m pmtaform_emulator start stacks/demo/hosts/mta2 >/dev/null
mkdir -p stacks/demo/keys
(umask 077 && python -c '
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
print(key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()).decode(), end="")
' >stacks/demo/keys/example.com.pem)

echo "stacks/demo/stack.yaml declares two PowerMTA hosts: mta1, edited by hand since 2019, and mta2, which is new."
echo "PowerMTA is proprietary, so the emulator takes its place here. It is for demos and tests, and delivers no mail."

say "1. Validate the stack. This contacts no host."
run pmtaform validate

say "2. Plan: show what differs. This changes nothing."
run pmtaform plan --out demo.plan

say "3. Apply that plan. To raise a limit many times over is a danger, which needs consent by name."
run pmtaform apply demo.plan
run pmtaform apply demo.plan --allow rate-raised
run cat stacks/demo/hosts/mta1/etc/pmta/config

say "4. Plan again: nothing is left to change."
run pmtaform plan

say "5. At night, an operator changes a limit by hand. Find it, and correct it."
run sed -i 's,max-msg-rate    500/h,max-msg-rate    9000/h,' stacks/demo/hosts/mta1/etc/pmta/config
run pmtaform drift
run pmtaform apply --auto-approve

say "6. Apply a change that PowerMTA rejects: a directive found on the web."
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
echo "apply rejects it as well. With --allow, PowerMTA itself tests it:"
run pmtaform apply --auto-approve --allow invented-directive
echo
echo "All files are restored, and PowerMTA runs the old configuration:"
run pmtaform drift
on mta1 pmta show status
rm stacks/demo/found-on-the-web.yaml

say "7. Roll back an apply. This works from any machine."
echo "It restores the limit of that night, which needs consent."
run pmtaform rollback mta1 --auto-approve --allow rate-raised
run pmtaform rollback mta1 --list
run pmtaform state show mta1
