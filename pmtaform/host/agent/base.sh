# The one program that pmtaform runs on a host: POSIX sh and coreutils, nothing else. Its parts are the files of this
# folder, sent as one text in the order that `wire.py` names.
#
# It is sent over each connection and read from stdin, so that the command line stays small and constant; requests
# follow on stdin as data, for as long as that is open. What comes from stacks is only ever a quoted value: it is read
# with `read -r`, and `eval` (except of the program's own later parts), `sh -c` and unquoted expansions (except of
# include patterns, with IFS empty) do not occur here.
#
# Everything lives in ROOT/var/lib/pmtaform (0700): lock, tx/ID (one transaction each), generations/NNNNNN, results/ID,
# and `untaken`, if the files of a change are restored and PowerMTA has not loaded them yet.
# The life of tx/ID:
#
#   receiving ─▶ [staged] ─▶ at work ─▶ [pending] ─▶ settling ─▶ results/ID
#
# `staged` and `pending` wait for a client, up to a deadline; the process that tx/ID/owner names does the rest.
# A program costs about a millisecond, so what the shell can do by itself it does.

LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
umask 077
cd / || exit 70
nl='
'
tab='	'

# Every point at which a transaction can be interrupted, in order; a step done per file is journalled per file.
STEPS='receive lock recover check policy folder stage fill backup keep-old prove running begin commit-key commit-config
settle-files test control rehearse staged go-on arm activate activate-web health listeners ask pending
confirm verdict remove-key keep clean disarm record unlock answer'
UNDO_STEPS='undo undo-file undo-new undo-activate undo-clean'

MAX_SIZE=67108864
MAX_RESULTS=50
STAGED_FOR=86400

# Resets what a request may set.
reset_request() {
    R='' ID='' TEXTS='' LOGS='' PMTA=/usr/sbin/pmta CONFIG=/etc/pmta/config TIMEOUT=60 ALLOWED='' ACTIVATION=none TEST=no RESTART='' WEB=no KEEP=10
    RELOAD='' RESTART_WEB='' CONFIRM=0 PLAN='' COMMIT='' WHY_REVERT='' STAGE=no LOOK=no
    WHO='' WHAT='' SINCE='' STAMP='' SIZE=0 RECORD=0 OF='' WAIT=0 FORCE=no OUTCOME_OF='' SUDO_LOG='' TOLD=''
    # What a transaction finds out on its way.
    WHY='' STEP='' GENERATION=0 STALE='' UNDOING='' OWED='' WAITING='' RECOVERING='' EXPIRING='' LITTER='' PUT='' KEPT='' BOOT='' KINDS='' LISTENS=''
    trap - HUP INT TERM PIPE
}

emit() { printf '%s\n' "$*"; }

# As `emit`, but together with what follows, in the order of `send_queued`: each write to the connection is a packet of its
# own, which costs client and host 0.1 ms. What is not queued must not pass what is.
queue() {
    QUEUED=$QUEUED$*$nl
    # A text is copied whole each time that something is put behind it.
    [ ${#QUEUED} -lt 8192 ] || send_queued
}

send_queued() {
    [ -z "$QUEUED" ] || printf %s "$QUEUED"
    QUEUED=''
}

# Some shells evaluate a text that is used as a number, so it is checked first.
is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

# Reads one setting of a request: "name value". 1: a setting that must be a number is not one.
setting() {
    case ${1%% *} in
        timeout | confirm | keep | size | record | wait) is_number "${1#* }" || return 1 ;;
    esac
    case ${1%% *} in
        root) R=${1#* } ;;
        id) ID=${1#* } ;;
        pmta) PMTA=${1#* } ;;
        config) CONFIG=${1#* } ;;
        stamp) STAMP=${1#* } ;;
        timeout) TIMEOUT=${1#* } ;;
        allowed) ALLOWED=$ALLOWED${1#* }$nl ;;
        activation) ACTIVATION=${1#* } ;;
        confirm) CONFIRM=${1#* } ;;
        test) TEST=${1#* } ;;
        reload) RELOAD=$RELOAD${1#* }$nl ;;
        restart) RESTART=$RESTART${1#* }$nl ;;
        restart-web) RESTART_WEB=$RESTART_WEB${1#* }$nl ;;
        web) WEB=${1#* } ;;
        owed) OWED=${1#* } ;;
        log) LOGS=$LOGS${1#* }$nl ;;
        keep) KEEP=${1#* } ;;
        who) WHO=${1#* } ;;
        what) WHAT=${1#* } ;;
        plan) PLAN=${1#* } ;;
        commit) COMMIT=${1#* } ;;
        since) SINCE=${1#* } ;;
        size) SIZE=${1#* } ;;
        record) RECORD=${1#* } ;;
        of) OF=${1#* } ;;
        wait) WAIT=${1#* } ;;
        force) FORCE=${1#* } ;;
        stage) STAGE=${1#* } ;;
        why) WHY_REVERT=${1#* } ;;
        look) LOOK=${1#* } ;;
        outcome) OUTCOME_OF=${1#* } ;;
        sudo-log) SUDO_LOG=${1#* } ;;
    esac
}

settings() {
    while IFS= read -r line; do
        TOLD=$TOLD$line$nl
        case $line in
            # The first of them, because these are half of all lines.
            success\ * | failure\ *) TEXTS=$TEXTS$line$nl ;;
            end)
                [ "$R" != / ] || R=''
                S=$R/var/lib/pmtaform
                return 0
                ;;
            *) setting "$line" || return 1 ;;
        esac
    done
    return 1
}

# The settings of a stored request.
load() {
    ALLOWED='' TEXTS='' LOGS='' RELOAD='' RESTART='' RESTART_WEB='' WEB=no CONFIRM=0 PLAN='' COMMIT=''
    settings <"$1"
}

# Exactly $1 bytes of stdin behind what is in the file $2, never more; up to a megabyte by one program.
receive() {
    true >>"$2" || return 1
    if [ "$1" -gt 0 ] && [ "$1" -le 1048576 ]; then
        dd bs="$1" count=1 iflag=fullblock >>"$2" 2>/dev/null
        return
    fi
    if [ $(($1 / 65536)) -gt 0 ]; then
        dd bs=65536 count=$(($1 / 65536)) iflag=fullblock >>"$2" 2>/dev/null || return 1
    fi
    if [ $(($1 % 65536)) -gt 0 ]; then
        dd bs=$(($1 % 65536)) count=1 iflag=fullblock >>"$2" 2>/dev/null || return 1
    fi
}

# The SHA-256 of each of the files "$@" in SUMS, one a line in their order; an empty line where one cannot be read.
digests() {
    SUMS=''
    [ $# -gt 0 ] || return 0
    case $* in
        *\\*)
            # sha256sum prints such a name in another form.
            for file; do
                D=''
                [ ! -f "$file" ] || D=$(sha256sum <"$file")
                SUMS=$SUMS${D%% *}$nl
            done 2>/dev/null
            return
            ;;
    esac
    # A pipe would be read without end.
    found=$(
        for file; do
            shift
            [ ! -f "$file" ] || set -- "$@" "$file"
        done
        [ $# = 0 ] || exec sha256sum -- "$@" 2>/dev/null
    )$nl
    for file; do
        D=${found%%"$nl"*}
        if [ "${D#*  }" = "$file" ]; then
            SUMS=$SUMS${D%% *}$nl found=${found#*"$nl"}
        else
            SUMS=$SUMS$nl
        fi
    done
}

digest() {
    digests "$1"
    D=${SUMS%"$nl"}
}

# The names beside the target $1: its folder, its name, the staged file, and the link that keeps the old file.
# The leading dot keeps them out of an include such as conf.d/*.
name_beside() {
    DIR=$R${1%/*} BASE=${1##*/}
    NEW=$DIR/.$BASE.pmtaform-$ID OLD=$DIR/.$BASE.pmtaform-$ID-old
}

# The first symbolic link at or below an allowed folder on the way to $1, in L; 1 if there is none.
find_link() {
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

# Whether $1 is an allowed folder or below one.
is_allowed() {
    rest=$ALLOWED
    while [ -n "$rest" ]; do
        case $1/ in "${rest%%"$nl"*}"/*) return 0 ;; esac
        rest=${rest#*"$nl"}
    done
    return 1
}

# Changes to the folder $1 of the host, and stays there whatever happens to its name: names in it begin with `./`.
# The owner of a folder on the way may have replaced it with another one, or a link, a moment ago; so the way is checked
# from within, upwards. Above the allowed folders a link is followed if it is in a folder of this user.
# 1: something else is there, 2: nothing; the reason is in BLOCKED.
go_into() {
    BLOCKED="the folder $1 does not exist"
    if ! cd -P -- "$R$1/" 2>/dev/null; then
        cd /
        if [ ! -L "$R$1" ] && ! find_link "$1" && [ ! -d "$R$1" ]; then return 2; fi
        BLOCKED="the folder $1 cannot be entered"
        return 1
    fi
    up=. at=$1
    while [ -n "$at" ]; do
        if [ ! -L "$up/../${at##*/}" ] && [ "$up/../${at##*/}" -ef "$up" ]; then
            up=$up/..
        elif [ "$up" -ef "$R$at/" ] && ! is_allowed "$at" && { [ -O "$R${at%/*}/" ] || [ ! -O / ]; }; then
            up=$R${at%/*}/
        else
            cd /
            BLOCKED="the folder $1 has become a link or a folder of another user"
            return 1
        fi
        at=${at%/*}
    done
    [ "$up" -ef "$R/" ] || { cd /; return 1; }
}

# Enters the folder of the file `path`, and sets its names there, as `name_beside` does.
enter_folder_of() {
    go_into "${path%/*}"
    entered=$?
    [ "$entered" = 0 ] || { WHY=$BLOCKED; return $entered; }
    FILE=./${path##*/} NEW=./.${path##*/}.pmtaform-$ID
    OLD=$NEW-old
}

# Whether descriptor 4 is open on the file $1, and not on the target of a link.
is_open() { [ ! -L "$1" ] && [ "$1" -ef /proc/self/fd/4 ]; }

# Creates the file $1, which must not exist: of several processes that try, one succeeds.
create_exclusively() {
    set -C
    true 2>/dev/null >"$1"
    made=$?
    set +C
    return $made
} 2>/dev/null

flush() { sync -- "$@" 2>/dev/null || sync 2>/dev/null || :; }

# Lets a test intervene at the points that fit a pattern, only on a host that is a folder. The pattern is in the
# environment, or in a file of the host that the environment names.
test_point() {
    [ -n "${PMTAFORM_TEST_AT-}" ] && [ -n "$R" ] || return 0
    fits=$PMTAFORM_TEST_AT
    case $fits in /*) IFS= read -r fits 2>/dev/null <"$R$fits" || return 0 ;; esac
    # shellcheck disable=SC2254  # a pattern is meant
    case $1 in
        $fits) ;;
        *) return 0 ;;
    esac
    "$PMTAFORM_TEST_HOOK" "$1" "$ME" "$ID" "$R" </dev/null >/dev/null 2>&1 || :
}
