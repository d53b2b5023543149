# What happens between an activation and its confirmation: the timer, the verdict, and what follows from it.

# A timer, before the activation: unless the change is confirmed it puts the old configuration back. Where systemd is
# PowerMTA's it is one of systemd's, which outlives whatever becomes of this session; else a process.
arm() {
    now
    namespace
    say expired >"$T/expired" && wait_until $((NOW + CONFIRM + 3 * TIMEOUT + 30)) || { WHY='the disk is full'; return 1; }
    if [ -d "$R/run/systemd/system" ] && command -v systemd-run >/dev/null 2>&1; then
        write_program || return 1
        # A bus that does not answer leaves it to a process; a unit that comes all the same finds nothing to do then.
        if briefly systemd-run --quiet --unit="pmtaform-$ID" --on-active="$CONFIRM" --timer-property=AccuracySec=1s \
            --description="pmtaform: goes back unless confirmed" /bin/sh "$T/agent.sh" --expire "$T" >"$T/out" 2>&1; then
            say "unit pmtaform-$ID - $NS" >"$T/timer"
            return 0
        fi
    fi
    (
        trap 'kill "$!" 2>/dev/null; exit 0' TERM
        trap '' HUP INT QUIT PIPE XFSZ
        whoami_process
        expire
    ) </dev/null >/dev/null 2>&1 &
    started "$!" || { WHY='no timer could be begun'; return 1; }
    say "pid $! $START $NS" >"$T/timer" || { kill "$!"; WHY='the disk is full'; return 1; }
}

# The program as a file, for a process that has nothing of this one.
write_program() { printf '%s\nmain "$@"\n' "$PROGRAM" >"$T/agent.sh" || { WHY='the disk is full'; return 1; }; }

# Ends the timer of the transaction in $1, unless it is this very process, and nothing but that timer.
disarm() {
    kind='' name='' start='' space=''
    read -r kind name start space 2>/dev/null <"$1/timer" || return 0
    ! elsewhere "$space" || return 0 # it sees by itself that it is over
    point disarm.0
    case $kind in
        pid) [ "$name" = "$ME" ] || { started "$name" && [ "$START" = "$start" ] && kill "$name" 2>/dev/null; } ;;
        unit)
            briefly systemctl stop "$name.timer" >/dev/null 2>&1
            [ -n "$EXPIRING" ] || briefly systemctl stop "$name.service" >/dev/null 2>&1
            briefly systemctl reset-failed "$name.timer" "$name.service" >/dev/null 2>&1
            ;;
    esac
}

# The timer itself: waits for the deadline, which may move, and then undoes what it was armed for, and only that.
expire() {
    EXPIRING=yes
    while [ -d "$T" ] && [ ! -e "$T/verdict" ] && left_of "$T"; do
        # It is first armed for longer than the change will wait: looked at often enough to see that.
        pause=$((CONFIRM / 20 + 1))
        [ "$pause" -lt "$LEFT" ] || pause=$LEFT
        sleep "$pause" &
        wait "$!"
    done
    until [ ! -d "$T" ] || [ -f "$S/results/$ID" ] || decide expired; do
        [ ! -e "$T/verdict" ] || exit 0
        sleep 1 & # a full disk: nobody else would take the change back
        wait "$!"
    done
    settle_expired
}

# Who comes to it puts it back; a transaction that is still at work finds the verdict by itself.
settle_expired() {
    while at_work "$T" && [ "$O_PID" != "$ME" ]; do
        sleep 1 &
        wait "$!"
    done
    [ -d "$T" ] && [ ! -f "$S/results/$ID" ] || exit 0
    trap '' TERM
    until own "$T/owner" && await_lock 600; do
        [ -d "$T" ] && [ ! -f "$S/results/$ID" ] || exit 0
        sleep 1
    done
    STEP=confirm
    [ -d "$T" ] && [ ! -f "$S/results/$ID" ] || { drop_lock; exit 0; }
    last_generation
    WHY=$(not_confirmed)
    STEP=confirm
    roll_back
}

not_confirmed() { say "the change was not confirmed within $CONFIRM s"; }

# Makes $1 the verdict on the transaction in T. There is one, and it is the first: 1 if there was one already.
decide() {
    word=$T/verdict.$ME
    # A full disk has no room for a word, but for a name: that of the timer was written when it was armed.
    if [ "$1" = expired ] && [ -s "$T/expired" ]; then word=$T/expired; else say "$*" >"$word" || return 1; fi
    ln -- "$word" "$T/verdict" 2>/dev/null && flush "$T/verdict" "$T"
}

# Activated, and well as far as the host can tell: waits for the client, but not for ever.
stay_pending() {
    now
    at pending && wait_until $((NOW + CONFIRM)) && mark pending || { WHY='the disk is full'; roll_back; }
    past pending
    if [ -e "$T/verdict" ]; then WHY=$(not_confirmed) STEP=confirm; roll_back; fi
    drop_lock
    exit 0
}

# The client's word on a pending transaction: `confirm` or `revert`.
settle() {
    at confirm
    if [ "$OP" = confirm ]; then decide confirmed; else decide "revert $WHY_REVERT"; fi || exit 0
    at verdict
    own "$T/owner" || exit 70
    await_lock 60 || exit 75
    still_there
    last_generation
    if [ "$OP" = confirm ]; then conclude; fi
    if marked pending; then
        STEP=confirm WHY=$WHY_REVERT
        roll_back
    fi
    STEP=staged WHY=$WHY_REVERT STALE=''
    give_up
}
