# What happens between an activation and its confirmation: the timer, the verdict, and what follows from it.

# Arms a timer before the activation: unless the change is confirmed, it restores the old configuration. With systemd it
# is a transient unit, which outlives this session; else a process.
arm_timer() {
    now
    read_namespace
    emit expired >"$T/expired" && wait_until $((NOW + CONFIRM + 3 * TIMEOUT + 30)) || { WHY='the disk is full'; return 1; }
    if [ -d "$R/run/systemd/system" ] && command -v systemd-run >/dev/null 2>&1; then
        write_program || return 1
        # If the bus does not answer, a process does it; a unit that starts later all the same finds nothing to do.
        if briefly systemd-run --quiet --unit="pmtaform-$ID" --on-active="$CONFIRM" --timer-property=AccuracySec=1s \
            --description="pmtaform: roll back unless confirmed" /bin/sh "$T/agent.sh" --expire "$T" >"$T/out" 2>&1; then
            emit "unit pmtaform-$ID - $NS" >"$T/timer"
            return 0
        fi
    fi
    (
        trap 'kill "$!" 2>/dev/null; exit 0' TERM
        trap '' HUP INT QUIT PIPE XFSZ
        identify_self
        expire
    ) </dev/null >/dev/null 2>&1 &
    read_start "$!" || { WHY='no timer could be started'; return 1; }
    emit "pid $! $START $NS" >"$T/timer" || { kill "$!"; WHY='the disk is full'; return 1; }
}

# The program as a file, for a process that has nothing of this one.
write_program() { printf '%s\nmain "$@"\n' "$PROGRAM" >"$T/agent.sh" || { WHY='the disk is full'; return 1; }; }

# Ends the timer of the transaction in $1, unless it is this very process, and nothing but that timer.
disarm_timer() {
    kind='' name='' start='' space=''
    read -r kind name start space 2>/dev/null <"$1/timer" || return 0
    ! is_elsewhere "$space" || return 0 # it notices by itself that the change is settled
    test_point disarm.0
    case $kind in
        pid) [ "$name" = "$ME" ] || { read_start "$name" && [ "$START" = "$start" ] && kill "$name" 2>/dev/null; } ;;
        unit)
            briefly systemctl stop "$name.timer" >/dev/null 2>&1
            [ -n "$EXPIRING" ] || briefly systemctl stop "$name.service" >/dev/null 2>&1
            briefly systemctl reset-failed "$name.timer" "$name.service" >/dev/null 2>&1
            ;;
    esac
}

# The timer: waits for the deadline, which may move, and then undoes its own transaction only.
expire() {
    EXPIRING=yes
    while [ -d "$T" ] && [ ! -e "$T/verdict" ] && left_of "$T"; do
        # The first deadline is longer than the change will wait, so it is read often enough to see it move.
        pause=$((CONFIRM / 20 + 1))
        [ "$pause" -lt "$LEFT" ] || pause=$LEFT
        sleep "$pause" &
        wait "$!"
    done
    until [ ! -d "$T" ] || [ -f "$S/results/$ID" ] || decide expired; do
        [ ! -e "$T/verdict" ] || exit 0
        sleep 1 & # a full disk: no other process would revert the change
        wait "$!"
    done
    settle_expired
}

# Reverts the expired change; a transaction that still runs finds the verdict by itself.
settle_expired() {
    while is_at_work "$T" && [ "$O_PID" != "$ME" ]; do
        sleep 1 &
        wait "$!"
    done
    [ -d "$T" ] && [ ! -f "$S/results/$ID" ] || exit 0
    trap '' TERM
    until write_owner "$T/owner" && await_lock 600; do
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

not_confirmed() { emit "the change was not confirmed within $CONFIRM s"; }

# Makes $1 the verdict on the transaction in T. There is one, and it is the first: 1 if there was one already.
decide() {
    word=$T/verdict.$ME
    # A full disk has no room for a new file, only for a link: the timer's word was written when it was armed.
    if [ "$1" = expired ] && [ -s "$T/expired" ]; then word=$T/expired; else emit "$*" >"$word" || return 1; fi
    ln -- "$word" "$T/verdict" 2>/dev/null && flush "$T/verdict" "$T"
}

# The change is activated and passed the host's checks: waits for the client, up to the deadline.
wait_pending() {
    now
    step pending && wait_until $((NOW + CONFIRM)) && mark pending || { WHY='the disk is full'; roll_back; }
    step_done pending
    if [ -e "$T/verdict" ]; then WHY=$(not_confirmed) STEP=confirm; roll_back; fi
    drop_lock
    exit 0
}

# The client's word on a pending transaction: `confirm` or `revert`.
settle() {
    step confirm
    if [ "$OP" = confirm ]; then decide confirmed; else decide "revert $WHY_REVERT"; fi || exit 0
    step verdict
    write_owner "$T/owner" || exit 70
    await_lock 60 || exit 75
    exit_if_settled
    last_generation
    if [ "$OP" = confirm ]; then finish_applied; fi
    if has_mark pending; then
        STEP=confirm WHY=$WHY_REVERT
        roll_back
    fi
    STEP=staged WHY=$WHY_REVERT STALE=''
    end_unchanged
}
