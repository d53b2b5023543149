# A rehearsal: `pmta test config` on the new files before any of them is in its place.
#
# It runs in its own mount namespace. There the folders of the change are copies in memory, and the change is made in
# the copies, by the same renames as later in the real folders. No other process sees them, no live file is touched, and
# the kernel removes them with the last process in the namespace, whatever ends it.
#
# No guide states whether `pmta test config` reads the files itself or asks the daemon, which sees the real files. A
# negative control decides: the same files with lines that cannot be right must fail. Its result counts for one pmta
# program, and is kept in S/rehearsal.
#
#   control so far   new files   then                                       the change is
#   unseen           -           -                                          not rehearsed
#   seen             accepted    -                                          rehearsed
#   seen             rejected    -                                          rejected
#   -                accepted    control rejected: `seen` is kept           rehearsed
#   -                accepted    control accepted: `unseen` is kept         not rehearsed
#   -                rejected    live files accepted                        rejected
#   -                rejected    live files rejected too                    not rehearsed
#   any              no answer   -                                          rejected
#
# A change that is not rehearsed is tested when it is in place, before PowerMTA has to load it.

# What no version of PowerMTA can accept: an unknown directive, and an unknown section that does not end.
CONTROL_LINES="pmtaform-control this line cannot be right$nl<pmtaform-control>"
COPIES_SIZE=256m

# Tests the staged change, if the host can. 1: PowerMTA rejects it, or the disk is full.
rehearse() {
    [ "$TEST" = yes ] && [ -x "$R$PMTA" ] || return 0
    step rehearse && recall_control || return 1
    if [ "$CONTROL" = unseen ]; then
        answer=unseen
    elif command -v unshare >/dev/null 2>&1; then
        write_program || return 1
        answer=$(in_namespace)
    else
        true >"$T/failed"
        answer='unable this host has no unshare'
    fi
    judge_rehearsal "$answer" || return 1
    step_done rehearse
}

in_namespace() {
    # A signal that is ignored here would be ignored by the started program too.
    trap - HUP INT QUIT TERM PIPE XFSZ
    rest=$RUN_BY
    set --
    while [ -n "$rest" ]; do
        set -- "$@" "${rest%%"$nl"*}"
        rest=${rest#*"$nl"}
    done
    exec unshare -m "$@" "$T/agent.sh" --rehearse "$T" "$CONTROL" </dev/null 2>"$T/failed"
}

# Acts on the answer of `rehearsal`: its first line is a word and perhaps a reason, the rest is what `pmta` printed.
judge_rehearsal() {
    first=${1%%"$nl"*}
    verdict=${first%% *} reason=${first#"${first%% *}"}
    reason=${reason# }
    case $verdict in
        accepted | unsure)
            [ -n "$CONTROL" ] || remember_control seen
            [ "$verdict" != unsure ] || { SEEN=$reason; note_doubt test-config; }
            mark tested
            ;;
        unseen)
            [ -n "$CONTROL" ] || remember_control unseen
            not_rehearsed 'pmta test config does not see files in a mount namespace'
            ;;
        rejected | unanswered)
            if [ "$verdict$CONTROL" = rejected ] && ! live_files_pass; then
                not_rehearsed 'pmta test config rejects the present files too'
                return
            fi
            STEP=test WHY=$reason
            printf '%s\n' "${1#*"$nl"}" >"$T/failed"
            return 1
            ;;
        *)
            read -r first <"$T/failed" || first=''
            not_rehearsed "${reason:-no mount namespace could be made}${first:+ ($first)}"
            ;;
    esac
}

# Notes for the client why nothing was tested yet.
not_rehearsed() { emit "unrehearsed $1" >"$T/unrehearsed" || { WHY='the disk is full'; return 1; }; }

live_files_pass() {
    bounded "$R$PMTA" test config
    judge test-config 'pmta test config'
    [ $? != 1 ]
}

# The control's result for the pmta program that is here, in CONTROL: seen, unseen, or nothing.
recall_control() {
    CONTROL=''
    PMTA_STAMP=$(stat -L -c %i.%s.%Y.%Z -- "$R$PMTA" 2>/dev/null) || PMTA_STAMP=-
    while read -r word stamp whole version; do
        [ "$stamp$whole" != "$PMTA_STAMP." ] || CONTROL=$word
    done 2>/dev/null <"$S/rehearsal" || :
}

# Keeps the control's result $1, with the version for people. On a full disk it is found out again.
remember_control() {
    bounded "$R$PMTA" show version
    read_output
    emit "$1 $PMTA_STAMP . $SEEN" >"$S/rehearsal" || :
} 2>/dev/null

# -- in the namespace

# Makes the change in copies of its folders, has it tested, and the control too unless $1 has its result.
rehearsal() {
    trap '' HUP INT QUIT TERM PIPE XFSZ
    CONTROL=$1
    use_copies || { emit "unable ${WHY:-the folders of the change could not be copied}"; return; }
    for_each commit-key write key put_in_place && for_each commit-config write config put_in_place && for_each commit-config remove config remove_file \
        || { emit "unable ${WHY:-the change could not be made in copies}"; return; }
    step test
    tested
    case $?$CONTROL in
        0seen) emit accepted ;;
        0) control_result accepted ;;
        2seen) emit "unsure $SEEN" ;;
        2) control_result "unsure $SEEN" ;;
        *)
            case $rc in 124 | 137 | 143) emit "unanswered $WHY" ;; *) emit "rejected $WHY" ;; esac
            dd if="$T/out" bs=16384 count=1 iflag=fullblock 2>/dev/null
            ;;
    esac
}

tested() {
    bounded "$R$PMTA" test config
    judge test-config 'pmta test config'
}

# Says $1, what became of the new files, if the same with the control's lines are rejected.
control_result() {
    step control
    spoil_config || { emit "unable $CONFIG could not be changed for the control"; return; }
    tested
    case $?$rc in
        1124 | 1126 | 1127 | 1137 | 1143 | 1153) emit "unable the control was not answered: $WHY" ;;
        1*) emit "$1" ;;
        *) emit unseen ;;
    esac
}

spoil_config() {
    go_into "${CONFIG%/*}" || return 1
    file=./${CONFIG##*/}
    [ -f "$file" ] && { is_open "$file" && printf '\n%s\n' "$CONTROL_LINES" >&4; } 2>/dev/null 4>>"$file"
    spoiled=$?
    cd /
    return $spoiled
}

# Puts copies in memory over the folders of the change, and goes on with a T in memory too: what outlives the rest of
# the transaction must not write into its folder.
use_copies() {
    mount --make-rprivate / && mount -t tmpfs -o "mode=0700,size=$COPIES_SIZE" pmtaform "$T/ready" || return 1
    real=$T T=$T/ready
    while IFS= read -r line; do emit "$line"; done <"$real/plan" >"$T/plan"
    for file in "$real"/copied.*; do [ ! -e "$file" ] || true >"$T/${file##*/}"; done
    find_covers
    rest=$COVERS count=0
    while [ -n "$rest" ]; do
        count=$((count + 1))
        go_into "${rest%%"$nl"*}" && cp -a -- . "$T/cover.$count" || return 1
        rest=${rest#*"$nl"}
    done
    rest=$COVERS count=0
    while [ -n "$rest" ]; do
        count=$((count + 1))
        go_into "${rest%%"$nl"*}" && mount --bind "$T/cover.$count" . || return 1
        rest=${rest#*"$nl"}
    done
    cd /
}

# The folders to copy in COVERS, one a line: for each allowed folder the lowest one that holds all that changes below it,
# and the main file's where the control needs that.
find_covers() {
    COVERS='' others=$ALLOWED
    while [ -n "$others" ]; do
        top=${others%%"$nl"*} others=${others#*"$nl"} cover=''
        while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
            case $path in "$top"/*) widen "${path%/*}" ;; esac
        done <"$T/plan"
        [ -z "$cover" ] || COVERS=$COVERS$cover$nl
    done
    [ -n "$CONTROL" ] || is_covered "${CONFIG%/*}" || COVERS=$COVERS${CONFIG%/*}$nl
}

# Makes `cover` a folder that holds the folder $1 too.
widen() {
    : "${cover:=$1}"
    while :; do
        case $1/ in "$cover"/*) return ;; esac
        cover=${cover%/*}
    done
}

is_covered() {
    rest=$COVERS
    while [ -n "$rest" ]; do
        case $1/ in "${rest%%"$nl"*}"/*) return 0 ;; esac
        rest=${rest#*"$nl"}
    done
    return 1
}
