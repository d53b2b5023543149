# Which process works on a transaction, and how long a transaction waits.

# Reads the number of this very process into ME, and its start time into BEGAN: `$$` is the number of the shell that started it.
ME=$$
identify_self() {
    OWNER=''
    if read_start self; then ME=$PID BEGAN=$START; else ME=$$ BEGAN=-; fi
}

boot_id() {
    [ -z "$BOOT" ] || return 0
    BOOT=-
    read -r BOOT 2>/dev/null <"$R/proc/sys/kernel/random/boot_id" \
        || read -r BOOT 2>/dev/null </proc/sys/kernel/random/boot_id || BOOT=-
}

# Reads the PID namespace of this process into NS: a container's processes have their own numbers, and may share the
# host's files with others.
read_namespace() {
    [ -z "${NS-}" ] || return 0
    NS=$(readlink /proc/self/ns/pid 2>/dev/null) || NS=-
}

# Whether $1 is a namespace that this process does not see into.
is_elsewhere() {
    [ -n "$1" ] || return 1
    read_namespace
    [ "$1" != "$NS" ]
}

# Reads the seconds of a clock that cannot be set into NOW.
now() {
    if read -r NOW ignored 2>/dev/null </proc/uptime; then NOW=${NOW%%.*}; else NOW=$(date +%s); fi
}

# Writes what identifies this process to the file $1. A file that may also be the lock or an heir is replaced.
write_owner() {
    if [ -z "$OWNER" ]; then
        boot_id
        read_namespace
        now
        OWNER="pid $ME${nl}start $BEGAN${nl}boot $BOOT${nl}ns $NS${nl}until $((NOW + 8 * (TIMEOUT + 6) + 120))${nl}id $ID${nl}since $SINCE${nl}who $WHO${nl}what $WHAT$nl"
    fi
    set -- "$1" "$S"/heir.*
    if [ ! -e "$2" ] && [ ! "$1" -ef "$S/lock" ]; then
        printf %s "$OWNER" >"$1"
    else
        printf %s "$OWNER" >"$1.tmp.$ME" && mv -f -- "$1.tmp.$ME" "$1"
    fi
}

# Reads the start time of the process $1 into START and its number into PID; 1 if it has ended.
read_start() {
    read -r START 2>/dev/null <"/proc/$1/stat" || return 1
    PID=${START%% *}
    IFS=' '
    # shellcheck disable=SC2086  # numbers of the kernel, to be split
    set -- ${START##*) }
    unset IFS
    START=${20:--}
    case $1 in Z | X) return 1 ;; esac
}

# Reads an owner file into O_*; 1 if it cannot be read.
read_owner() {
    O_KEY='' O_PID='' O_START='' O_BOOT='' O_NS='' O_UNTIL=0 O_ID='' O_SINCE='' O_WHO='' O_WHAT=''
    [ -f "$1" ] || return 1
    while IFS=' ' read -r key value; do
        case $key in
            pid) O_PID=$value ;;
            start) O_START=$value ;;
            boot) O_BOOT=$value ;;
            ns) O_NS=$value ;;
            until) O_UNTIL=$value ;;
            id) O_ID=$value ;;
            since) O_SINCE=$value ;;
            who) O_WHO=$value ;;
            what) O_WHAT=$value ;;
        esac
    done 2>/dev/null <"$1" || return 1
    O_KEY=$O_ID.$O_PID.$O_START
    [ -n "$O_PID" ]
}

# Whether the owner last read still runs: same boot, same process. One in another PID namespace counts as running for as
# long as its commands may take.
is_alive() {
    boot_id
    [ "$BOOT" = "$O_BOOT" ] || return 1
    if is_elsewhere "$O_NS"; then
        now
        case $O_UNTIL in '' | *[!0-9]*) return 1 ;; esac
        [ "$NOW" -lt "$O_UNTIL" ]
        return
    fi
    [ "$BOOT" != - ] || { kill -0 "$O_PID" 2>/dev/null; return; }
    read_start "$O_PID" && [ "$START" = "$O_START" ]
}

print_owner() {
    emit "lock-id $O_ID"
    emit "lock-since $O_SINCE"
    emit "lock-who $O_WHO"
    emit "lock-what $O_WHAT"
}

# Writes the deadline of the transaction in T, with the boot that it counts from. The last line counts, and a line that
# was cut short does not.
wait_until() {
    boot_id
    printf '\n%s\n' "$BOOT $1 $CONFIRM ." >>"$T/deadline"
}

# Seconds left of the deadline of the transaction in $1, in LEFT; 1 if it is over, or of another boot.
left_of() {
    LEFT=0 until=''
    boot_id
    while IFS=' ' read -r at when within mark; do
        [ "$at$mark" != "$BOOT." ] || until=$when
    done 2>/dev/null <"$1/deadline" || return 1
    case $until in '' | *[!0-9]*) return 1 ;; esac
    now
    LEFT=$((until - NOW))
    [ "$LEFT" -gt 0 ]
}

# Whether the transaction in T, or in the folder $2, has the mark $1; the last text behind the mark is in MARK.
has_mark() {
    MARK='' is=1
    while read -r word more; do
        if [ "$word" = "$1" ]; then MARK=$more is=0; fi
    done 2>/dev/null <"${2:-$T}/marks"
    return $is
}

# Runs "$@", which asks something on this machine that may hang, for some seconds at most.
briefly() {
    seconds=10
    [ "$TIMEOUT" -gt $seconds ] || seconds=$TIMEOUT
    timeout -k 2 "$seconds" "$@" </dev/null
}

# Whether the timer of the transaction in $1 runs.
timer_runs() {
    kind='' name='' start='' space=''
    read -r kind name start space 2>/dev/null <"$1/timer" || return 1
    ! is_elsewhere "$space" || return 0 # its time is looked at as well
    case $kind in
        pid) read_start "$name" && [ "$START" = "$start" ] ;;
        unit)
            briefly systemctl is-active --quiet "$name.timer" "$name.service" 2>/dev/null
            # Without an answer it is not known to be gone, and its time is looked at as well.
            case $? in 0 | 124 | 137) return 0 ;; *) return 1 ;; esac
            ;;
        *) return 1 ;;
    esac
}

# Whether the program still runs whose connection staged the transaction, as MARK says: its number, its start, and where.
is_connected() {
    [ -n "$MARK" ] || return 0
    # shellcheck disable=SC2086  # three words
    set -- $MARK
    ! is_elsewhere "${3-}" || return 0
    read_start "$1" && [ "$START" = "${2-}" ]
}

# Whether the transaction in $1 waits for its client: staged, and its connection not ended, or pending with its timer at work. WAITS is the state.
is_waiting() {
    WAITS=''
    [ ! -e "$1/verdict" ] && left_of "$1" || return 1
    if has_mark pending "$1"; then
        timer_runs "$1" || return 1
        WAITS=pending
    elif has_mark staged "$1" && [ ! -e "$1/claimed" ] && is_connected; then
        WAITS=staged
    else
        return 1
    fi
}

# Whether a process works on the transaction in $1; which, in O_*. A process in another PID namespace has ended if the
# transaction waits for its client.
is_at_work() { read_owner "$1/owner" && is_alive && ! { is_elsewhere "$O_NS" && is_waiting "$1"; }; }
