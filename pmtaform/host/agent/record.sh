# The lock, the journal of one transaction, and the record of its outcome.

# Takes the lock: 0 taken, 1 a running process has it (O_*), 2 impossible. T/owner must be this process's.
# A dead holder's lock passes to its one heir: the process that creates heir.KEY. An heir may have died too, so heirs form
# a chain; after inheriting, the lock is checked again. A lock without an owner, which a power loss can leave, counts as
# a dead holder's.
take_lock() {
    tries=0
    while [ $tries -lt 20 ]; do
        tries=$((tries + 1))
        if ln -- "$T/owner" "$S/lock" 2>/dev/null; then return 0; fi
        [ -f "$T/owner" ] || return 2
        read_owner "$S/lock" || [ -f "$S/lock" ] || continue # gone meanwhile
        if is_alive; then return 1; fi
        first=$O_KEY chain=''
        while :; do
            heir=$S/heir.$O_KEY
            chain="$chain $O_KEY"
            if ln -- "$T/owner" "$heir" 2>/dev/null; then break; fi
            read_owner "$heir" || { heir=''; break; }
            if is_alive; then return 1; fi
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

# The same, waiting at most $1 seconds for the holder.
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

# While this process waited for the lock, another one may have settled the transaction.
exit_if_settled() {
    [ -f "$T/request" ] && [ ! -f "$S/results/$ID" ] || { drop_lock; exit 75; }
}

holds_lock() { read_owner "$S/lock" && [ "$O_ID" = "$ID" ] && [ "$O_PID" = "$ME" ]; }

drop_lock() {
    if holds_lock; then
        test_point unlock.0
        rm -f -- "$S/lock" "$S/own.$ID"
    fi
}

# Journals that a step ($1, of file $2) starts; `step_done`, that it is over.
step() {
    cd /
    STEP=$1
    emit "$1 ${2:-0}" >>"$T/journal" || return 1
    test_point "$1.${2:-0}"
}

step_done() {
    emit "$1:after ${2:-0}" >>"$T/journal" || return 1
    test_point "$1:after.${2:-0}"
}

# Marks the transaction in T with a word, perhaps with more behind it. All marks are in one file: creating and removing a
# file costs more than appending to one.
mark() { printf '\n%s\n' "$*" >>"$T/marks"; }

# Prints the file $1, which is usually short, without starting a program.
print_file() {
    told='' count=0
    while [ $count -lt 40 ] && IFS= read -r line; do told=$told$line$nl count=$((count + 1)); done <"$1"
    if [ $count -lt 40 ]; then printf %s "$told$line"; else cat -- "$1"; fi
}

# Writes the transaction's outcome ($1 status, $2 step, $3 reason), atomically and once.
record() {
    [ -d "$S/results" ] || mkdir -p -- "$S/results" || return 1
    test_point record.0
    {
        emit "status $1"
        emit "step $2"
        emit "generation ${GENERATION:-0}"
        emit "reason $3"
        emit "id $ID"
        emit "since $SINCE"
        emit "who $WHO"
        emit "what $WHAT"
        emit "plan $PLAN"
        emit "commit $COMMIT"
        [ ! -f "$T/recovered" ] || cat -- "$T/recovered"
        [ "$1" != locked ] || print_owner
        [ ! -f "$T/doubts" ] || print_file "$T/doubts"
        [ ! -f "$T/names" ] || cat -- "$T/names"
        [ "$CONFIRM" != 0 ] || [ ! -f "$T/answers" ] || cat -- "$T/answers"
        emit whole
        emit output
        if [ -s "$T/failed" ] && [ "$1" != applied ]; then dd if="$T/failed" bs=16384 count=1 iflag=fullblock 2>/dev/null; fi
    } >"$S/results/.$ID"
    is_whole "$S/results/.$ID" && make_newest && mv -f -- "$S/results/.$ID" "$S/results/$ID"
    kept=$?
    if [ "$kept" != 0 ]; then
        rm -f -- "$S/results/.$ID"
    elif [ "$1" = applied ] && [ -f "$T/plan" ]; then
        # The folders of the files too: they may be on another disk.
        flush_folders any any ${KEPT:+"$KEPT" "$S/generations"} "$S/results/$ID" "$S/results"
    else
        flush "$S/results/$ID" "$S/results"
    fi
    test_point record:after.0
    return "$kept"
}

# Makes the record that is about to get its name newer than all others, by whole seconds: the oldest are removed by time,
# and the host's clock may have been set back.
make_newest() {
    last=0 mine=''
    for stamp in $(stat -c %Y -- "$S/results/.$ID" "$S"/results/* 2>/dev/null); do
        if [ -z "$mine" ]; then
            mine=$stamp
        elif [ "$stamp" -gt "$last" ]; then
            last=$stamp
        fi
    done
    [ -n "$mine" ] || return 1
    [ "$mine" -gt "$last" ] || touch -c -d "@$((last + 1))" -- "$S/results/.$ID"
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
    [ ! -e "$T/timer" ] || disarm_timer "$T"
    record "$@"
    written=$?
    word=$1
    set --
    if [ "$written" = 0 ]; then set -- "$T" "$S/own.$ID"; fi
    if holds_lock; then
        test_point unlock.0
        set -- "$@" "$S/lock"
    fi
    if [ "$word" = locked ]; then set -- '' "$@"; else prune_results; set -- "$KEEP" "$@"; fi
    remove_with_generations "$@"
    exit "$written"
}

# Removes all but the last $1 generations, or none, and what follows: the lock is the last of it.
remove_with_generations() {
    limit=$1 count=0
    shift
    for g in "$S"/generations/[0-9]*; do count=$((count + 1)); done
    for g in "$S"/generations/[0-9]*; do
        [ "$count" -gt "${limit:-$count}" ] && [ -d "$g" ] || break
        set -- "$g" "$@"
        count=$((count - 1))
    done
    [ $# = 0 ] || rm -rf -- "$@"
}

prune_results() {
    set -- "$S"/results/*
    [ $# -gt $MAX_RESULTS ] || return 0
    kept=0
    ls -1t -- "$S/results" 2>/dev/null | while IFS= read -r name; do
        kept=$((kept + 1))
        # This one has not been read yet, whatever its time says.
        [ $kept -le $MAX_RESULTS ] || [ "$name" = "$ID" ] || rm -f -- "$S/results/$name"
    done
}
