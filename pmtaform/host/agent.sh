#!/bin/sh
# The one program that pmtaform runs on a host: POSIX sh and coreutils, nothing else.
#
# It is sent along with each call and read from stdin, so that the command line stays small and constant; the
# request follows on stdin as data. What comes from stacks is only ever a quoted value: it is read with `read -r`,
# and `eval`, `sh -c` and unquoted expansions (but for include patterns, with IFS empty) do not occur here.
#
# Everything lives in ROOT/var/lib/pmtaform (0700): lock, tx/ID (one transaction at work), generations/NNNNNN, results/ID.

# shellcheck disable=SC2015,SC2030,SC2031,SC2034,SC2012,SC3013
# SC2015: `a && b || c` is meant so. SC2030/1: subshells are used for their own variables. SC2034: read by Python or
# only to skip a field. SC2012: names are ours. SC3013: -ef is in dash, bash and busybox.

LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
umask 077
cd / || exit 70
nl='
'
tab='	'

# Every point at which a transaction can be interrupted, in order; a step done per file is journalled per file.
STEPS='lock recover check policy stage backup begin commit-key commit-config test activate health remove-key keep clean'
UNDO_STEPS='undo undo-file undo-activate undo-clean'

MAX_SIZE=67108864
MAX_RESULTS=50
R='' ID='' SALT='' PMTA=/usr/sbin/pmta TIMEOUT=60 ALLOWED='' ACTIVATION=none TEST=no RESTART='' WEB=no KEEP=10
WHO='' WHAT='' SINCE='' STAMP='' SIZE=0 WAIT=0 FORCE=no

# ---------------------------------------------------------------- small things

say() { printf '%s\n' "$*"; }

# Which settings a request may carry: "name value", one a line, until "end".
setting() {
    case ${1%% *} in
        root) R=${1#* } ;;
        id) ID=${1#* } ;;
        salt) SALT=${1#* } ;;
        pmta) PMTA=${1#* } ;;
        stamp) STAMP=${1#* } ;;
        timeout) TIMEOUT=${1#* } ;;
        allowed) ALLOWED=$ALLOWED${1#* }$nl ;;
        activation) ACTIVATION=${1#* } ;;
        test) TEST=${1#* } ;;
        restart) RESTART=$RESTART${1#* }$nl ;;
        web) WEB=${1#* } ;;
        keep) KEEP=${1#* } ;;
        who) WHO=${1#* } ;;
        what) WHAT=${1#* } ;;
        since) SINCE=${1#* } ;;
        size) SIZE=${1#* } ;;
        wait) WAIT=${1#* } ;;
        force) FORCE=${1#* } ;;
    esac
    [ "$R" != / ] || R=''
    S=$R/var/lib/pmtaform
}

settings() {
    while IFS= read -r line; do
        [ "$line" != end ] || return 0
        setting "$line"
    done
    return 1
}

load() {
    ALLOWED='' RESTART='' WEB=no
    settings <"$1"
}

# Exactly $1 bytes of stdin into the new file $2, never more.
receive() {
    : >"$2" || return 1
    if [ $(($1 / 65536)) -gt 0 ]; then
        dd bs=65536 count=$(($1 / 65536)) iflag=fullblock >>"$2" 2>/dev/null || return 1
    fi
    if [ $(($1 % 65536)) -gt 0 ]; then
        dd bs=$(($1 % 65536)) count=1 iflag=fullblock >>"$2" 2>/dev/null || return 1
    fi
}

# The salted digest line of a file on stdout ("hex  -").
digest_line() { { printf %s "$SALT" && exec cat -- "$1"; } 2>/dev/null | sha256sum; }

digest() {
    D=$(digest_line "$1")
    D=${D%% *}
}

# Names beside a target $1: dir, base, what is staged, and the link that keeps the old file.
# The leading dot keeps both out of an include such as conf.d/*.
beside() {
    DIR=$R${1%/*} BASE=${1##*/}
    NEW=$DIR/.$BASE.pmtaform-$ID OLD=$DIR/.$BASE.pmtaform-$ID-old
}

# The first symbolic link at or below an allowed folder on the way to $1, in L; 1 if there is none.
linked() {
    rest=$ALLOWED
    while [ -n "$rest" ]; do
        L=${rest%%"$nl"*} rest=${rest#*"$nl"}
        case $1 in "$L" | "$L"/*) ;; *) continue ;; esac
        [ ! -L "$R$L" ] || return 0
        below=${1#"$L"}
        below=${below#/}
        while [ -n "$below" ]; do
            L=$L/${below%%/*}
            [ ! -L "$R$L" ] || return 0
            case $below in */*) below=${below#*/} ;; *) below='' ;; esac
        done
    done
    return 1
}

# ---------------------------------------------------------------- who is alive

# Describes this process in the file $1.
own() {
    boot=- start=-
    read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id || boot=-
    started $$ && start=$START
    printf 'pid %s\nstart %s\nboot %s\nid %s\nsince %s\nwho %s\nwhat %s\n' \
        "$$" "$start" "$boot" "$ID" "$SINCE" "$WHO" "$WHAT" >"$1.tmp.$$" && mv -f -- "$1.tmp.$$" "$1"
}

# The start time of process $1 in START; 1 if it is not there any more.
started() {
    read -r START 2>/dev/null <"/proc/$1/stat" || return 1
    IFS=' '
    # shellcheck disable=SC2086  # numbers of the kernel, to be split
    set -- ${START##*) }
    unset IFS
    START=${20:--}
    case $1 in Z | X) return 1 ;; esac
}

# Reads an owner file into O_*; 1 if it cannot be read.
read_owner() {
    O_PID='' O_START='' O_BOOT='' O_ID='' O_SINCE='' O_WHO='' O_WHAT=''
    [ -f "$1" ] || return 1
    while IFS=' ' read -r key value; do
        case $key in
            pid) O_PID=$value ;;
            start) O_START=$value ;;
            boot) O_BOOT=$value ;;
            id) O_ID=$value ;;
            since) O_SINCE=$value ;;
            who) O_WHO=$value ;;
            what) O_WHAT=$value ;;
        esac
    done 2>/dev/null <"$1" || return 1
    O_KEY=$O_ID.$O_PID.$O_START
    [ -n "$O_PID" ]
}

# Whether the owner last read is at work: same boot, same process.
alive() {
    boot=-
    read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id || boot=-
    [ "$boot" = "$O_BOOT" ] || return 1
    [ "$boot" != - ] || { kill -0 "$O_PID" 2>/dev/null; return; }
    started "$O_PID" && [ "$START" = "$O_START" ]
}

tell_owner() {
    say "lock-id $O_ID"
    say "lock-since $O_SINCE"
    say "lock-who $O_WHO"
    say "lock-what $O_WHAT"
}

# ---------------------------------------------------------------- probe

# Looks at the paths "$@" (known digests in KNOWN, one a line, in their order).
scan() {
    known=$KNOWN KNOWN='' keep=''
    for path; do
        shift
        want=${known%%"$nl"*} known=${known#*"$nl"}
        if linked "$path"; then
            say "bad symlink${tab}$path${tab}$L -> $(readlink -- "$R$L")"
        elif [ -L "$R$path" ]; then
            say "bad symlink${tab}$path${tab}$path -> $(readlink -- "$R$path")"
        elif [ -d "$R$path" ]; then
            say "bad folder${tab}$path"
        elif [ ! -e "$R$path" ]; then
            # A folder on the way that may not be entered hides what is in it.
            parent=${path%/*}
            while [ -n "$parent" ] && [ ! -d "$R$parent/" ]; do parent=${parent%/*}; done
            if [ -x "$R$parent/" ]; then say "absent $path"; else say "bad permission${tab}$path"; fi
        elif [ ! -f "$R$path" ]; then
            say "bad special${tab}$path"
        elif [ ! -r "$R$path" ]; then
            say "bad permission${tab}$path"
        else
            set -- "$@" "$R$path"
            keep=$keep$want$nl
        fi
    done
    [ $# -gt 0 ] || return 0
    stats=$(stat -c "%f${tab}%u${tab}%g${tab}%s${tab}%U${tab}%G${tab}%n" -- "$@" 2>/dev/null)$nl
    sums=$(
        for path; do
            size=${stats%%"$nl"*} stats=${stats#*"$nl"}
            size=${size#*"$tab"*"$tab"*"$tab"}
            size=${size%%"$tab"*}
            if [ "${size:-0}" -gt $MAX_SIZE ]; then say large; else digest_line "$path"; fi
        done
    )$nl
    for path; do
        line=${stats%%"$nl"*} stats=${stats#*"$nl"}
        sum=${sums%%"$nl"*} sums=${sums#*"$nl"}
        want=${keep%%"$nl"*} keep=${keep#*"$nl"}
        sum=${sum%% *}
        if [ "${line#*"$tab"*"$tab"*"$tab"*"$tab"*"$tab"*"$tab"}" != "$path" ]; then
            say "bad moving${tab}${path#"$R"}"
        elif [ "$sum" = large ]; then
            say "bad large${tab}${path#"$R"}"
        else
            say "file $sum${tab}${line%"$path"}${path#"$R"}"
            if [ "$sum" != "$want" ] && [ "$want" != hash ]; then
                say "data ${path#"$R"}"
                cat -- "$path" 2>/dev/null
                printf '\n%s\n' "$NONCE"
            fi
        fi
    done
}

# The files that the pattern $1 names now, each on a line, in MATCHES.
expand() {
    MATCHES=''
    IFS=''
    # shellcheck disable=SC2086  # the pattern is to be expanded, and is not split
    set -- "$R"$1
    unset IFS
    for match; do
        case $match in *"$nl"*) continue ;; esac
        if [ -e "$match" ] || [ -L "$match" ]; then MATCHES=$MATCHES${match#"$R"}$nl; fi
    done
}

pmta_version() {
    [ -f "$R$PMTA" ] && [ -x "$R$PMTA" ] || { say "stamp -"; return; }
    stamp=$(stat -L -c '%i.%s.%Y.%Z' -- "$R$PMTA" 2>/dev/null)
    say "stamp $stamp"
    [ "$stamp" != "$STAMP" ] || return 0
    say version
    PMTAFORM_ROOT=$R timeout -k 2 "$TIMEOUT" "$R$PMTA" show version 2>/dev/null </dev/null
    printf '\n%s\n' "$NONCE"
}

host_facts() {
    machine=''
    read -r machine 2>/dev/null <"$R/etc/machine-id"
    say "machine $machine"
    last_generation
    say "generation $GENERATION"
    if read_owner "$S/lock" && alive; then tell_owner; fi
    for t in "$S"/tx/*; do
        [ -d "$t/decided" ] || continue
        if read_owner "$t/owner" && alive; then continue; fi
        say "pending ${t##*/}"
    done
}

probe() {
    ASKED=$nl KNOWN='' PATTERNS=''
    set --
    while IFS= read -r line; do
        case $line in
            end) break ;;
            file\ *)
                line=${line#* }
                KNOWN=$KNOWN${line%% *}$nl
                set -- "$@" "${line#* }"
                ASKED=$ASKED${line#* }$nl
                if [ $# -ge 100 ]; then scan "$@"; set --; fi
                ;;
            pattern\ *) PATTERNS=$PATTERNS${line#* }$nl ;;
            *) setting "$line" ;;
        esac
    done
    while [ -n "$PATTERNS" ]; do
        pattern=${PATTERNS%%"$nl"*} PATTERNS=${PATTERNS#*"$nl"}
        say "pattern $pattern"
        expand "$pattern"
        while [ -n "$MATCHES" ]; do
            path=${MATCHES%%"$nl"*} MATCHES=${MATCHES#*"$nl"}
            say "match $path"
            case $ASKED in *"$nl$path$nl"*) continue ;; esac
            ASKED=$ASKED$path$nl
            KNOWN=${KNOWN}new$nl
            set -- "$@" "$path"
        done
    done
    scan "$@"
    host_facts
    pmta_version
}

# ---------------------------------------------------------------- the lock

# Takes the lock: 0 taken, 1 somebody at work has it (O_*), 2 impossible.
# A dead holder's lock passes to its one heir: who makes heir.KEY. An heir may have died too, so heirs form a chain;
# that the lock is still the dead holder's is looked at again after inheriting.
take_lock() {
    mine=$S/own.$ID tries=0
    own "$mine" || return 2
    while [ $tries -lt 20 ]; do
        tries=$((tries + 1))
        if ln -- "$mine" "$S/lock" 2>/dev/null; then rm -f -- "$mine"; return 0; fi
        read_owner "$S/lock" || continue # gone meanwhile
        if alive; then rm -f -- "$mine"; return 1; fi
        first=$O_KEY chain=''
        while :; do
            heir=$S/heir.$O_KEY
            chain="$chain $O_KEY"
            if ln -- "$mine" "$heir" 2>/dev/null; then break; fi
            read_owner "$heir" || { heir=''; break; }
            if alive; then rm -f -- "$mine"; return 1; fi
        done
        [ -n "$heir" ] || continue
        if read_owner "$S/lock" && [ "$O_KEY" = "$first" ]; then
            mv -f -- "$mine" "$S/lock" || return 2
            for key in $chain; do rm -f -- "$S/heir.$key"; done
            return 0
        fi
        rm -f -- "$heir"
    done
    rm -f -- "$mine"
    return 2
}

drop_lock() {
    if read_owner "$S/lock" && [ "$O_ID" = "$ID" ] && [ "$O_PID" = "$$" ]; then rm -f -- "$S/lock"; fi
}

# ---------------------------------------------------------------- journal, record

# Notes that a step ($1, of file $2) begins; `past` that it is over. A test may have the program die here, on a
# host that is a folder only.
at() {
    STEP=$1
    say "$1 ${2:-0}" >>"$T/journal" || return 1
    may_die "$1.${2:-0}"
}

past() {
    say "$1:after ${2:-0}" >>"$T/journal" || return 1
    may_die "$1:after.${2:-0}"
}

may_die() {
    [ -n "${PMTAFORM_TEST_DIE_AT-}" ] && [ -n "$R" ] || return 0
    case $1 in "$PMTAFORM_TEST_DIE_AT" | "$PMTAFORM_TEST_DIE_AT".*) kill -9 $$ ;; esac
    return 0
}

flush() { sync -- "$@" 2>/dev/null || sync 2>/dev/null || :; }

# The transaction's outcome ($1 status, $2 step, $3 reason), as it will be read back. Written once, whole.
record() {
    mkdir -p -- "$S/results" || return 1
    {
        say "status $1"
        say "step $2"
        say "generation ${GENERATION:-0}"
        say "reason $3"
        [ ! -f "$T/recovered" ] || cat -- "$T/recovered"
        [ "$1" != locked ] || tell_owner
        [ ! -f "$T/plan" ] || live_digests "$1"
        say output
        if [ -f "$T/failed" ]; then dd if="$T/failed" bs=16384 count=1 iflag=fullblock 2>/dev/null; fi
    } >"$S/results/.$ID" && mv -f -- "$S/results/.$ID" "$S/results/$ID" && flush "$S/results/$ID"
}

live_digests() {
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src path; do
        if [ "$1" = applied ]; then
            D=$new
        elif [ -f "$R$path" ]; then
            digest "$R$path"
        else
            D=-
        fi
        say "digest $D $path"
    done <"$T/plan"
}

# The end of a transaction on every path: outcome, no traces, no lock.
finish() {
    record "$@"
    written=$?
    if [ "$written" = 0 ]; then rm -rf -- "$T"; fi
    [ "$1" = locked ] || prune
    drop_lock
    exit "$written"
}

prune() {
    set -- "$S"/generations/[0-9]*
    while [ $# -gt "$KEEP" ] && [ -d "$1" ]; do
        rm -rf -- "$1"
        shift
    done
    kept=0
    ls -1t -- "$S/results" 2>/dev/null | while IFS= read -r name; do
        kept=$((kept + 1))
        [ $kept -le $MAX_RESULTS ] || rm -f -- "$S/results/$name"
    done
}

last_generation() {
    GENERATION=0
    for g in "$S"/generations/[0-9]*; do
        [ -d "$g" ] || continue
        GENERATION=${g##*/}
    done
    while :; do
        case $GENERATION in 0?*) GENERATION=${GENERATION#0} ;; *) break ;; esac
    done
}

# ---------------------------------------------------------------- putting things back

# Puts every file of the plan in T back: what there was first, then what is new is taken away. 0 if all are back.
put_back() {
    failed=''
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src path; do
        at undo-file "$n"
        beside "$path"
        rm -f -- "$NEW"
        if [ "$had" = 1 ] && [ -e "$OLD" ] && [ -d "$T/begin" ]; then
            if [ "$R$path" -ef "$OLD" ]; then
                :
            elif [ -d "$R$path" ] || ! mv -f -- "$OLD" "$R$path" 2>>"$T/failed"; then
                failed="$failed $path"
            fi
        fi
    done <"$T/plan"
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src path; do
        beside "$path"
        if [ "$had" = 0 ] && [ -d "$T/begin" ] && [ -e "$R$path" ]; then
            rm -f -- "$R$path" 2>>"$T/failed" || failed="$failed $path"
        fi
        case "$failed " in *" $path "*) ;; *) rm -f -- "$OLD" ;; esac
        flush "$DIR"
    done <"$T/plan"
    if [ -f "$T/dirs" ]; then
        # Deepest last in the file: as many passes as there are folders, at most.
        while IFS= read -r path; do
            while IFS= read -r path; do rmdir -- "$R$path" 2>/dev/null; done <"$T/dirs"
        done <"$T/dirs"
    fi
    [ -z "$failed" ]
}

# Undoes the transaction in T after the step $1 failed because of $2; sets STATUS and REASON.
undo() {
    STATUS=rolled-back REASON=$2
    mkdir -p -- "$T/undo"
    at undo
    if ! put_back; then
        STATUS=rollback-failed REASON="$2; not put back:$failed"
    elif [ -d "$T/begin" ] && needs_activation; then
        at undo-activate
        if ! activate || ! healthy; then
            STATUS=rollback-failed REASON="$2; the old files are back, but PowerMTA did not take them: $WHY"
            cat -- "$T/out" >>"$T/failed" 2>/dev/null
        fi
    fi
    at undo-clean
}

# Whether PowerMTA may hold the new configuration, or find it gone, so that the old must be activated again.
needs_activation() {
    case $ACTIVATION in
        none) return 1 ;;
        reload) return 0 ;;
        restart) [ -d "$T/activate" ] ;;
    esac
}

# What follows success: keys that are not wanted any more, the kept generation, no traces.
wind_up() {
    each remove-key remove key take_away || return 1
    at keep
    if [ -d "$T/gen" ]; then
        mkdir -p -- "$S/generations"
        read -r GENERATION <"$T/number"
        name=$(printf %06d "$GENERATION")
        [ -d "$S/generations/$name" ] || mv -- "$T/gen" "$S/generations/$name" || return 1
        flush "$S/generations/$name" "$S/generations"
    fi
    at clean
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src path; do
        beside "$path"
        rm -f -- "$OLD" "$NEW"
    done <"$T/plan"
    return 0
}

# Finishes or undoes what a dead transaction in the folder $1 left, and notes it for the record.
recover_one() (
    ME=$ID HERE=$T T=$1
    case ${T##*/} in *[!A-Za-z0-9_-]*) exit 0 ;; esac
    [ -f "$T/request" ] && load "$T/request" || { rm -rf -- "$T"; exit 0; }
    ID=${T##*/} KEEP=1000000 GENERATION=0 WHY='' STEP=''
    if [ -f "$S/results/$ID" ]; then
        rm -rf -- "$T"
        exit 0
    fi
    if [ -f "$T/journal" ]; then
        while read -r name number; do case $name in *:after | undo*) ;; *) STEP=$name ;; esac; done <"$T/journal"
    fi
    broken=$STEP
    if [ -d "$T/healthy" ] && [ ! -d "$T/undo" ] && wind_up; then
        STATUS=applied REASON='' how=finished
    elif [ -f "$T/plan" ]; then
        if [ -d "$T/begin" ]; then how=undone; else how=discarded; fi
        undo "$broken" "it was interrupted at the step $broken"
        [ "$how" = undone ] || [ "$STATUS" = rollback-failed ] || STATUS=refused
    else
        STATUS=refused REASON='it was interrupted before anything was changed' how=discarded
    fi
    say "recovered $ID $how $STATUS $broken" >>"$HERE/recovered"
    record "$STATUS" "$broken" "$REASON" && rm -rf -- "$T"
    ID=$ME
)

recover_all() {
    for t in "$S"/tx/*; do
        [ -d "$t" ] && [ "$t" != "$T" ] || continue
        if read_owner "$t/owner" && alive; then continue; fi
        recover_one "$t"
    done
    for t in "$S"/own.* "$S"/heir.*; do
        if [ -f "$t" ] && read_owner "$t" && ! alive; then rm -f -- "$t"; fi
    done
}

# ---------------------------------------------------------------- PowerMTA

# Runs "$@" within the time allowed; output in T/out, what went wrong in WHY.
bounded() {
    (
        trap - HUP INT QUIT TERM PIPE XFSZ
        PMTAFORM_ROOT=$R exec timeout -k 5 "$TIMEOUT" "$@" </dev/null >"$T/out" 2>&1
    )
    rc=$?
    case $rc in
        0) return 0 ;;
        124 | 137 | 143) WHY="no answer within $TIMEOUT s" ;;
        126 | 127) WHY="it could not be run (exit $rc)" ;;
        *) WHY="exit $rc" ;;
    esac
    return 1
}

# Whether T/out has the words $1.
answered() {
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in *"$1"*) return 0 ;; esac
        line=''
    done <"$T/out"
    return 1
}

test_config() {
    bounded "$R$PMTA" test config || { WHY="pmta test config: $WHY"; return 1; }
    if answered 'rror in line '; then WHY='pmta test config found an error'; return 1; fi
}

activate() {
    case $ACTIVATION in
        none) return 0 ;;
        reload)
            bounded "$R$PMTA" reload || { WHY="pmta reload: $WHY"; return 1; }
            answered 'Configuration reloaded.' || { WHY='pmta reload did not say "Configuration reloaded."'; return 1; }
            ;;
        restart) restart pmta || return 1 ;;
    esac
    [ "$WEB" != yes ] || restart pmtahttp
}

# Restarts the service $1.
restart() {
    service=$1
    restart_words "$1" || { WHY="no way to restart $1 was found"; return 1; }
    rest=$WORDS
    set --
    while [ -n "$rest" ]; do
        set -- "$@" "${rest%%"$nl"*}"
        rest=${rest#*"$nl"}
    done
    bounded "$@" || { WHY="restart of $service: $WHY"; return 1; }
}

# What restarts the service $1 in WORDS, one word a line: for PowerMTA itself as given, or what this machine has. A
# folder that stands for a machine never has this machine's services restarted.
restart_words() {
    if [ "$1" = pmta ] && [ -n "$RESTART" ]; then
        WORDS=$RESTART
        case $RESTART in /*) WORDS=$R$RESTART ;; esac
    elif [ -z "$R" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
        WORDS="systemctl${nl}restart${nl}$1$nl"
    elif [ -x "$R/etc/init.d/$1" ]; then
        WORDS="$R/etc/init.d/$1${nl}restart$nl"
    elif [ -x "$R/etc/rc.d/init.d/$1" ]; then
        WORDS="$R/etc/rc.d/init.d/$1${nl}restart$nl"
    elif [ -z "$R" ] && command -v service >/dev/null 2>&1; then
        WORDS="service${nl}$1${nl}restart$nl"
    else
        return 1
    fi
}

# Whether PowerMTA says that it runs, asked once; why not, in WHY.
runs() {
    if bounded "$R$PMTA" show status; then
        if answered running && ! answered 'not running'; then return 0; fi
        if bounded "$R$PMTA" --json show status && answered '"running"'; then return 0; fi
        WHY='it does not say that it is running'
    fi
    WHY="pmta show status: $WHY"
    return 1
}

# A reload that cannot work, because PowerMTA is down already, is not begun.
may_reload() {
    [ "$ACTIVATION" = reload ] || return 0
    runs && return 0
    WHY="PowerMTA does not run on this host, and a reload needs it running ($WHY)"
    keep_output
    return 1
}

# Whether PowerMTA runs after its activation. After a restart it may need a moment.
healthy() {
    [ "$ACTIVATION" != none ] || return 0
    tries=1
    if [ "$ACTIVATION" = restart ]; then tries=$TIMEOUT; fi
    while :; do
        runs && return 0
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 1
    done
}

# ---------------------------------------------------------------- the transaction

# Live files must still be what was planned from; the first that is not, in WHY.
compare() {
    pattern='' expected=''
    while IFS=$tab read -r word first second; do
        case $word in
            expect)
                if [ -L "$R$second" ] || { [ -e "$R$second" ] && [ ! -f "$R$second" ]; }; then
                    D=special
                elif [ ! -e "$R$second" ]; then
                    D=-
                else
                    digest "$R$second"
                fi
                [ "$D" = "$first" ] || { WHY="$second is not what it was when the change was planned"; return 1; }
                ;;
            pattern) pattern=$first expected='' ;;
            match) expected=$expected$first$nl ;;
            matched)
                expand "$pattern"
                [ "$MATCHES" = "$expected" ] || { WHY="$pattern names other files than when the change was planned"; return 1; }
                ;;
        esac
    done <"$T/request"
}

# Whether a transaction may touch the path $1; why not, in WHY.
permitted() {
    case $1 in
        /*) ;;
        *) WHY="$1 is not absolute"; return 1 ;;
    esac
    case $1/ in
        *//* | */./* | */../*) WHY="$1 is not a plain path"; return 1 ;;
    esac
    rest=$ALLOWED
    inside=''
    while [ -n "$rest" ]; do
        case $1 in "${rest%%"$nl"*}"/*) inside=1 ;; esac
        rest=${rest#*"$nl"}
    done
    [ -n "$inside" ] || { WHY="$1 is not below an allowed path"; return 1; }
    if linked "$1"; then WHY="$L is a symbolic link"; return 1; fi
    if [ -d "$R$1" ]; then WHY="$1 is a folder"; return 1; fi
    if [ -e "$R$1" ] && [ ! -f "$R$1" ]; then WHY="$1 is not a regular file"; return 1; fi
}

# Plans every file: what is there, what it will be. T/plan has one line a file.
survey() {
    default_owner='' default_group=''
    if [ -z "$R" ] && id -u pmta >/dev/null 2>&1; then default_owner=pmta default_group=$(id -gn pmta); fi
    [ "$ACTIVATION" = none ] || [ -x "$R$PMTA" ] || { WHY="there is no $PMTA on this host"; return 1; }
    [ "$ACTIVATION" != restart ] || restart_words pmta || { WHY='no way to restart PowerMTA was found'; return 1; }
    [ "$WEB" != yes ] || restart_words pmtahttp || { WHY='no way to restart the web monitor (pmtahttp) was found'; return 1; }
    : >"$T/plan.new" || return 1
    while IFS=$tab read -r action n kind mode owner group new src path; do
        case $action in write | remove) ;; *) continue ;; esac
        permitted "$path" || return 1
        had=0 omode=- oowner=- ogroup=-
        if [ -e "$R$path" ]; then
            had=1
            found=$(stat -c "%a$tab%U$tab%G$tab%u$tab%g" -- "$R$path" 2>/dev/null) || { WHY="$path cannot be looked at"; return 1; }
            split_owner "$found"
            omode=$F_MODE oowner=$F_OWNER ogroup=$F_GROUP
        fi
        [ "$mode" != - ] || mode=$omode
        [ "$owner" != - ] || owner=$oowner
        [ "$group" != - ] || group=$ogroup
        case $src in
            kept/*)
                [ -f "$S/generations/${src#kept/}" ] || { WHY="the kept copy of $path is gone"; return 1; }
                digest "$S/generations/${src#kept/}"
                new=$D
                ;;
        esac
        if [ "$mode" = - ]; then case $kind in key) mode=600 ;; *) mode=640 ;; esac; fi
        if [ "$owner" = - ] || [ "$group" = - ]; then
            folder_owner "${path%/*}"
            [ "$owner" != - ] || owner=${default_owner:-$F_OWNER}
            [ "$group" != - ] || group=${default_group:-$F_GROUP}
        fi
        say "$n$tab$kind$tab$action$tab$had$tab$omode$tab$oowner$tab$ogroup$tab$mode$tab$owner$tab$group$tab$new$tab$src$tab$path" \
            >>"$T/plan.new" || { WHY='the disk is full'; return 1; }
    done <"$T/request"
    mv -f -- "$T/plan.new" "$T/plan"
}

# "mode owner group uid gid" (tabs) into F_*; numbers where there is no name.
split_owner() {
    F_MODE=${1%%"$tab"*} F_OWNER=${1#*"$tab"}
    F_GROUP=${F_OWNER#*"$tab"} F_OWNER=${F_OWNER%%"$tab"*}
    F_IDS=${F_GROUP#*"$tab"} F_GROUP=${F_GROUP%%"$tab"*}
    [ "$F_OWNER" != UNKNOWN ] || F_OWNER=${F_IDS%%"$tab"*}
    [ "$F_GROUP" != UNKNOWN ] || F_GROUP=${F_IDS#*"$tab"}
}

# Owner, group and mode of the folder $1, or of the nearest above it that exists.
folder_owner() {
    folder=$1
    while [ -n "$folder" ] && [ ! -d "$R$folder" ]; do folder=${folder%/*}; done
    split_owner "$(stat -c "%a$tab%U$tab%G$tab%u$tab%g" -- "$R$folder/" 2>/dev/null)"
}

# Makes the missing folders of $1, below (or as) an allowed folder only, owned like the one above.
make_folders() {
    [ ! -d "$R$1" ] || return 0
    rest=$ALLOWED inside=''
    while [ -n "$rest" ]; do
        case $1 in "${rest%%"$nl"*}" | "${rest%%"$nl"*}"/*) inside=1 ;; esac
        rest=${rest#*"$nl"}
    done
    [ -n "$inside" ] || { WHY="the folder $1 does not exist"; return 1; }
    make_folders "${1%/*}" || return 1
    say "$1" >>"$T/dirs"
    mkdir -- "$R$1" 2>"$T/failed" || { WHY="the folder $1 could not be made"; return 1; }
    folder_owner "${1%/*}"
    chown -- "$F_OWNER:$F_GROUP" "$R$1" 2>"$T/failed" && chmod -- "$F_MODE" "$R$1" 2>"$T/failed" \
        || { WHY="the folder $1 could not be made $F_OWNER:$F_GROUP"; return 1; }
}

# Calls $4 for each planned file with the action $2 and kind $3 (or "any"), journalled as the step $1.
each() {
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src path; do
        [ "$action" = "$2" ] && { [ "$3" = any ] || [ "$kind" = "$3" ]; } || continue
        at "$1" "$n" || return 1
        beside "$path"
        "$4" || return 1
        past "$1" "$n" || return 1
    done <"$T/plan"
}

# Writes the new content beside its target: made for nobody else, then owner and mode, then content, checked, on disk.
stage() {
    make_folders "${path%/*}" || return 1
    case $src in
        kept/*) from=$S/generations/${src#kept/} ;;
        *) from=$T/blob.$n ;;
    esac
    (set -C && : >"$NEW") 2>"$T/failed" || { WHY="$path: nothing can be written in its folder"; return 1; }
    if ! chown -- "$owner:$group" "$NEW" 2>"$T/failed"; then
        WHY="$path cannot be given to $owner:$group"
        [ "$(id -u)" = 0 ] || WHY="$WHY by $(id -un); this needs sudo"
        return 1
    fi
    # A mode that its owner may not write under comes after the content; until then the file is the owner's alone.
    case $mode in *[2367]??) set_mode || return 1 ;; esac
    dd if="$from" of="$NEW" bs=65536 conv=notrunc,fsync 2>"$T/failed" \
        || { WHY="$path could not be written"; return 1; }
    case $mode in *[2367]??) ;; *) set_mode || return 1 ;; esac
    rm -f -- "$T/failed"
    digest "$NEW"
    [ "$D" = "$new" ] || { WHY="$path did not arrive whole"; return 1; }
}

set_mode() { chmod -- "$mode" "$NEW" 2>"$T/failed" || { WHY="$path cannot have the mode $mode"; return 1; }; }

# Keeps what is there: a copy for the generation, and a link beside the target that a rename puts back.
back_up() {
    D=-
    if [ "$had" = 1 ]; then
        if ! ln -- "$R$path" "$OLD" 2>"$T/failed"; then
            : >"$T/copied.$n"
            (set -C && : >"$OLD") 2>"$T/failed" && cp -p -- "$R$path" "$OLD" 2>"$T/failed" \
                || { WHY="$path could not be backed up"; return 1; }
        fi
        dd if="$OLD" of="$T/gen/$n" bs=65536 conv=fsync 2>"$T/failed" || { WHY="$path could not be backed up"; return 1; }
        digest "$T/gen/$n"
    fi
    say "$n$tab$kind$tab$action$tab$D$tab$omode$tab$oowner$tab$ogroup$tab$new$tab$path" >>"$T/gen/manifest" \
        || { WHY="$path could not be backed up"; return 1; }
    rm -f -- "$T/failed"
}

# Renames the staged file over its target, if that is still what was backed up.
put() {
    unmoved && mv -f -- "$NEW" "$R$path" 2>"$T/failed" || { WHY=${WHY:-"$path could not be replaced"}; return 1; }
    flush "$DIR"
}

take_away() {
    [ -e "$R$path" ] || return 0
    unmoved && rm -f -- "$R$path" 2>"$T/failed" || { WHY=${WHY:-"$path could not be removed"}; return 1; }
    flush "$DIR"
}

unmoved() {
    WHY=''
    if linked "$path" || [ -d "$R$path" ]; then WHY="$path has become a link or a folder"; return 1; fi
    if [ "$had" = 0 ]; then
        [ ! -e "$R$path" ] || WHY="$path was made by somebody else meanwhile"
    elif [ -e "$OLD" ] && [ ! "$R$path" -ef "$OLD" ] && [ ! -e "$T/copied.$n" ]; then
        WHY="$path was replaced by somebody else meanwhile"
    fi
    [ -z "$WHY" ]
}

describe_generation() {
    say "transaction $ID"
    say "who $WHO"
    say "what $WHAT"
    say "started $SINCE"
    say "salt $SALT"
    say "status applied"
}

# Before anything of the host is changed. 0, or WHY and STEP.
prepare() {
    at policy && survey && may_reload || return 1
    at stage && each stage write any stage || return 1
    at backup && mkdir -- "$T/gen" && describe_generation >"$T/gen/info" && say "$((GENERATION + 1))" >"$T/number" \
        || { WHY='the disk is full'; return 1; }
    each backup write any back_up && each backup remove any back_up && flush "$T/gen/manifest" "$T/gen" "$T/plan" "$T"
}

commit() {
    at begin && mkdir -- "$T/begin" && flush "$T" || return 1
    past begin
    each commit-key write key put || return 1
    each commit-config write config put || return 1
    each commit-config remove config take_away || return 1
    if [ "$TEST" = yes ] && [ -x "$R$PMTA" ]; then
        at test && test_config && past test || { keep_output; return 1; }
    fi
    if [ "$ACTIVATION" != none ]; then
        at activate && mkdir -- "$T/activate" && activate && past activate || { keep_output; return 1; }
        at health && healthy && past health || { keep_output; return 1; }
    fi
    mkdir -- "$T/healthy" && flush "$T" || return 1
}

keep_output() { cat -- "$T/out" >"$T/failed" 2>/dev/null; }

# The whole of it, in a process of its own that no hang-up ends.
transaction() {
    T=$1 WHY='' STEP='' GENERATION=0
    trap '' HUP INT QUIT TERM PIPE XFSZ
    [ -f "$T/request" ] && load "$T/request" && own "$T/owner" || exit 70
    at lock
    take_lock
    case $? in
        1) finish locked lock "another transaction is at work on this host" ;;
        2) finish refused lock "the lock could not be taken" ;;
    esac
    [ -f "$T/request" ] || { drop_lock; exit 70; }
    past lock
    at recover
    recover_all
    past recover
    [ "$OP" != recover ] || finish applied recover ''
    last_generation
    at check
    compare || finish stale check "$WHY"
    past check
    if ! prepare; then
        step=$STEP why=${WHY:-'the disk is full'}
        [ ! -f "$T/plan" ] || put_back
        rm -rf -- "$T"/blob.* "$T/gen"
        finish refused "$step" "$why"
    fi
    rm -f -- "$T"/blob.*
    WHY=''
    if commit && { wind_up || { rm -rf -- "$T/healthy"; false; }; }; then
        rm -f -- "$T/failed"
        finish applied '' ''
    fi
    step=$STEP
    undo "$step" "${WHY:-the step could not be done}"
    finish "$STATUS" "$step" "$REASON"
}

# ---------------------------------------------------------------- requests

refuse() {
    say "status refused"
    say "step receive"
    say "reason $1"
    say output
}

# Takes the request in whole, then has the transaction run apart from this connection, and waits for its record.
start() {
    settings || return 1
    T=$S/tx/$ID
    if [ -L "$S" ] || ! (umask 022 && mkdir -p -- "$R/var/lib") 2>/dev/null || ! mkdir -p -- "$S/tx" 2>/dev/null || ! chmod 700 -- "$S" 2>/dev/null; then
        refuse "$S could not be made or written; does this need sudo?"
        return
    fi
    if ! mkdir -- "$T" 2>/dev/null; then
        if [ -d "$T" ] || [ -f "$S/results/$ID" ]; then result; else refuse "nothing could be written in $S"; fi
        return
    fi
    trap 'rm -rf -- "$T"; exit 70' HUP INT TERM
    WHOLE=yes
    if ! own "$T/owner" || ! take_in; then
        rm -rf -- "$T"
        [ "$WHOLE" = yes ] || exit 70
        refuse "the request could not be stored in $S; is the disk full?"
        return
    fi
    # Caught, not ignored: what is ignored here would stay so in the daemon that a restart starts.
    trap : HUP INT TERM PIPE
    [ ! -f "$S/results/$ID" ] && mkdir -- "$T/decided" 2>/dev/null || { rm -rf -- "$T"; exit 70; }
    apart=''
    if command -v setsid >/dev/null 2>&1; then apart=setsid; fi
    (exec $apart "$@" "$T/agent.sh" --transaction "$T") </dev/null >"$T/log" 2>&1 &
    wait $!
    tell_result
}

# Program, request and contents from stdin into T. WHOLE: whether all of it came.
take_in() {
    WHOLE=yes
    printf 'OP=%s\n%s\n' "$OP" "$PROGRAM" >"$T/agent.sh" && receive "$SIZE" "$T/request" || return 1
    while IFS=$tab read -r action n kind mode owner group new src path <&3; do
        case $action in write) ;; *) continue ;; esac
        case $src in kept/*) continue ;; esac
        receive "$src" "$T/blob.$n" || return 1
    done 3<"$T/request"
    IFS= read -r line
    [ "$line" = "$NONCE" ] || { WHOLE=no; return 1; }
}

tell_result() {
    if [ -f "$S/results/$ID" ]; then cat -- "$S/results/$ID"; else say "status unfinished"; fi
}

# The record of the transaction ID. While it runs, waits up to WAIT seconds. With FORCE, what has not begun is made
# never to begin: its place is taken, so that a request still on its way finds the matter decided.
result() {
    waited=0
    while [ ! -f "$S/results/$ID" ]; do
        if [ "$FORCE" = yes ] && { mkdir -p -- "$S/tx" 2>/dev/null; } && { mkdir -- "$S/tx/$ID" 2>/dev/null || mkdir -- "$S/tx/$ID/decided" 2>/dev/null; }; then
            T=$S/tx/$ID GENERATION=0
            record refused receive 'the connection was lost before the whole request had arrived; nothing was changed'
            rm -rf -- "$T"
        elif read_owner "$S/tx/$ID/owner" && alive && [ $waited -lt "$WAIT" ]; then
            sleep 1
            waited=$((waited + 1))
        elif read_owner "$S/tx/$ID/owner" && alive; then
            say "status running"
            return
        elif [ -d "$S/tx/$ID" ]; then
            break
        else
            # Its record may have come between the two looks.
            [ -f "$S/results/$ID" ] || { say "status none"; return; }
        fi
    done
    tell_result
}

generations() {
    for g in "$S"/generations/[0-9]*; do
        [ -f "$g/manifest" ] || continue
        say "kept ${g##*/}"
        cat -- "$g/info"
        while IFS=$tab read -r n kind action had omode oowner ogroup new path; do
            say "entry $n$tab$kind$tab$action$tab$had$tab$omode$tab$oowner$tab$ogroup$tab$new$tab$path"
        done <"$g/manifest"
    done
}

# Takes away the lock of a holder that is not at work any more, or, forced, of any.
release() {
    if [ ! -e "$S/lock" ]; then
        say "status none"
    elif read_owner "$S/lock" && alive && [ "$FORCE" != yes ]; then
        say "status locked"
        tell_owner
    elif rm -f -- "$S/lock"; then
        say "status released"
        tell_owner
    else
        say "status refused"
    fi
}

serve() {
    IFS= read -r NONCE && IFS= read -r OP || exit 64
    printf '\n%s begin\n' "$NONCE"
    case $OP in
        probe) probe ;;
        apply | recover) start "$@" ;;
        result) settings && result ;;
        generations) settings && generations ;;
        release) settings && release ;;
    esac
    printf '\n%s end\n' "$NONCE"
}

if [ "${1-}" = --transaction ]; then transaction "$2"; else serve "$@"; fi
