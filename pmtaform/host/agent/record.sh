# The lock, the journal of one transaction, and the record of what became of it.

# Takes the lock: 0 taken, 1 somebody at work has it (O_*), 2 impossible. T/owner must be this process's.
# A dead holder's lock passes to its one heir: who makes heir.KEY. An heir may have died too, so heirs form a chain;
# that the lock is still the dead holder's is looked at again after inheriting. One that does not say whose it is, which
# a power loss can leave, is a dead one's.
take_lock() {
    tries=0
    while [ $tries -lt 20 ]; do
        tries=$((tries + 1))
        if ln -- "$T/owner" "$S/lock" 2>/dev/null; then return 0; fi
        [ -f "$T/owner" ] || return 2
        read_owner "$S/lock" || [ -f "$S/lock" ] || continue # gone meanwhile
        if alive; then return 1; fi
        first=$O_KEY chain=''
        while :; do
            heir=$S/heir.$O_KEY
            chain="$chain $O_KEY"
            if ln -- "$T/owner" "$heir" 2>/dev/null; then break; fi
            read_owner "$heir" || { heir=''; break; }
            if alive; then return 1; fi
        done
        [ -n "$heir" ] || continue
        if { read_owner "$S/lock" || [ -f "$S/lock" ]; } && [ "$O_KEY" = "$first" ]; then
            ln -f -- "$T/owner" "$S/own.$ID" && mv -f -- "$S/own.$ID" "$S/lock" || return 2
            for key in $chain; do rm -f -- "$S/heir.$key"; done
            return 0
        fi
        rm -f -- "$heir"
    done
    return 2
}

# The same, waiting for who has it, at most $1 seconds.
await_lock() {
    waited=0
    while :; do
        take_lock
        case $? in
            0) return 0 ;;
            2) return 2 ;;
        esac
        [ $waited -lt "$1" ] || return 1
        waited=$((waited + 1))
        sleep 1
    done
}

# Who waited for the lock may find the transaction settled by another.
still_there() {
    [ -f "$T/request" ] && [ ! -f "$S/results/$ID" ] || { drop_lock; exit 75; }
}

holds_lock() { read_owner "$S/lock" && [ "$O_ID" = "$ID" ] && [ "$O_PID" = "$ME" ]; }

drop_lock() {
    if holds_lock; then
        point unlock.0
        rm -f -- "$S/lock" "$S/own.$ID"
    fi
}

# Notes that a step ($1, of file $2) begins; `past` that it is over.
at() {
    cd /
    STEP=$1
    say "$1 ${2:-0}" >>"$T/journal" || return 1
    point "$1.${2:-0}"
}

past() {
    say "$1:after ${2:-0}" >>"$T/journal" || return 1
    point "$1:after.${2:-0}"
}

# What is so of the transaction in T from now on, in a word, perhaps with more behind it. One file for all of them: a
# file system takes its time to make and to forget a file.
mark() { printf '\n%s\n' "$*" >>"$T/marks"; }

# The file $1, which is short more often than not, without a program for it.
tell_file() {
    told='' count=0
    while [ $count -lt 40 ] && IFS= read -r line; do told=$told$line$nl count=$((count + 1)); done <"$1"
    if [ $count -lt 40 ]; then printf %s "$told$line"; else cat -- "$1"; fi
}

# The transaction's outcome ($1 status, $2 step, $3 reason), as it will be read back. Written once, whole.
record() {
    [ -d "$S/results" ] || mkdir -p -- "$S/results" || return 1
    point record.0
    {
        say "status $1"
        say "step $2"
        say "generation ${GENERATION:-0}"
        say "reason $3"
        say "id $ID"
        say "since $SINCE"
        say "who $WHO"
        say "what $WHAT"
        say "plan $PLAN"
        say "commit $COMMIT"
        [ ! -f "$T/recovered" ] || cat -- "$T/recovered"
        [ "$1" != locked ] || tell_owner
        [ ! -f "$T/doubts" ] || cat -- "$T/doubts"
        [ ! -f "$T/names" ] || cat -- "$T/names"
        [ "$CONFIRM" != 0 ] || [ ! -f "$T/answers" ] || cat -- "$T/answers"
        say whole
        say output
        if [ -s "$T/failed" ] && [ "$1" != applied ]; then dd if="$T/failed" bs=16384 count=1 iflag=fullblock 2>/dev/null; fi
    } >"$S/results/.$ID"
    is_whole "$S/results/.$ID" && make_newest && mv -f -- "$S/results/.$ID" "$S/results/$ID"
    kept=$?
    if [ "$kept" != 0 ]; then
        rm -f -- "$S/results/.$ID"
    elif [ "$1" = applied ] && [ -f "$T/plan" ]; then
        # That nothing lies beside a file any more too: they may be on another disk.
        flush_folders any any ${KEPT:+"$KEPT" "$S/generations"} "$S/results/$ID" "$S/results"
    else
        flush "$S/results/$ID" "$S/results"
    fi
    point record:after.0
    return "$kept"
}

# Makes the record that is about to get its name newer than all others, by whole seconds: their times say which is the
# oldest, and the host's clock may be behind what it was when one of them was written.
make_newest() {
    last=0 mine=0
    for stamp in $(stat -c %Y -- "$S"/results/* 2>/dev/null); do
        [ "$stamp" -le "$last" ] || last=$stamp
    done
    mine=$(stat -c %Y -- "$S/results/.$ID") || return 1
    [ "$mine" -gt "$last" ] || touch -d "@$((last + 1))" -- "$S/results/.$ID"
}

# Whether the record in the file $1 was written to its end; on a full disk it was not.
is_whole() {
    while IFS= read -r line; do
        if [ "$line" = whole ]; then return 0; fi
    done 2>/dev/null <"$1"
    return 1
}

# The end of a transaction on every path: the timer disarmed, outcome, no traces, no lock.
finish() {
    [ ! -e "$T/timer" ] || disarm "$T"
    record "$@"
    written=$?
    [ "$1" = locked ] || prune
    set --
    if [ "$written" = 0 ]; then set -- "$T" "$S/own.$ID"; fi
    if holds_lock; then
        point unlock.0
        set -- "$@" "$S/lock"
    fi
    [ $# = 0 ] || rm -rf -- "$@"
    exit "$written"
}

prune() {
    set -- "$S"/generations/[0-9]*
    while [ $# -gt "$KEEP" ] && [ -d "$1" ]; do
        rm -rf -- "$1"
        shift
    done
    set -- "$S"/results/*
    [ $# -gt $MAX_RESULTS ] || return 0
    kept=0
    ls -1t -- "$S/results" 2>/dev/null | while IFS= read -r name; do
        kept=$((kept + 1))
        # Nobody has read this one yet, whatever its time says.
        [ $kept -le $MAX_RESULTS ] || [ "$name" = "$ID" ] || rm -f -- "$S/results/$name"
    done
}
