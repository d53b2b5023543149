# One host's changes, made as one.

describe_generation() {
    say "transaction $ID"
    say "who $WHO"
    say "what $WHAT"
    say "plan $PLAN"
    say "commit $COMMIT"
    say "started $SINCE"
    say "status applied"
}

# Before anything of the host is changed. 0, or WHY and STEP.
prepare() {
    STALE=''
    at policy && survey || return 1
    dress && each stage write any stage || return 1
    at backup && describe_generation >"$T/gen/info" \
        || { WHY='the disk is full'; return 1; }
    each backup write any back_up && each backup remove any back_up || return 1
    keep_base || { WHY='the configuration could not be kept'; return 1; }
    at prove && prove || return 1
    [ "$ACTIVATION" != none ] || return 0
    at running && may_reload || return 1
    ask_listeners greeted
}

# New keys, then configuration, then what goes of it: a configuration never names a key that is not there.
commit_files() {
    boot_id
    at begin && mark begin "$BOOT" && flush_staged && past begin || return 1
    each commit-key write key put || return 1
    at settle-files 1 && flush_folders write key || return 1
    each commit-config write config put && each commit-config remove config take_away && unwritten || return 1
    at settle-files 2 && flush_folders any any "$T/marks"
}

# Whether `pmta test config` takes what is on the disk, unless a rehearsal has shown that.
proved() {
    [ "$TEST" = yes ] && [ -x "$R$PMTA" ] && ! marked proved || return 0
    at test && test_config && past test || { keep_output; return 1; }
}

# From the staged files to a server that runs them.
commit() {
    commit_files && proved || return 1
    [ "$ACTIVATION" != none ] || return 0
    if [ "$CONFIRM" != 0 ]; then at arm && arm && past arm || return 1; fi
    at activate && mark activate && { mark_logs || :; } && activate && past activate || { keep_output; return 1; }
    at activate-web && activate_web && past activate-web || { keep_output; return 1; }
    at health && healthy && past health || { keep_output; return 1; }
    rm -f -- "$S/untaken" # it takes what is there now
    at listeners && listeners_greet && past listeners || return 1
    at ask && ask_questions "$T/answers" && past ask || return 1
}

# Undoes the transaction in T after the step $1 failed because of $2; sets STATUS and REASON.
undo() {
    STATUS=rolled-back REASON=$2 UNDOING=old
    true >"$T/undo"
    at undo
    put_back
    for f in "$S/edited/$ID".*; do
        [ -e "$f" ] || continue
        case $EDITED in *"(${f##*/})"*) ;; *) EDITED="$EDITED ${f##*/}" ;; esac
    done
    [ -z "$EDITED" ] || REASON="$2; what somebody else wrote meanwhile is kept in /var/lib/pmtaform/edited:$EDITED"
    if [ -n "$FAILED" ]; then
        STATUS=rollback-failed REASON="$REASON; not put back:$FAILED"
    elif begun && needs_activation; then
        at undo-activate
        mark_logs
        if take_old && activate_web && healthy; then
            rm -f -- "$S/untaken"
        else
            STATUS=rollback-failed REASON="$REASON; the old files are back, but PowerMTA did not take them: $WHY"
            cat -- "$T/out" >>"$T/failed" 2>/dev/null
            show_logs
        fi
    fi
    at undo-clean
}

# Whether PowerMTA may hold the new configuration, or find it gone, so that the old must be activated again: it was told
# to take it, or the machine was started while the new files were there.
needs_activation() {
    [ "$ACTIVATION" != none ] || return 1
    marked activate || started_since
}

# Whether anything of the change may be in the place of a file.
begun() { marked begin; }

started_since() {
    marked begin || return 1
    boot_id
    [ "$MARK" != "$BOOT" ]
}

# Has PowerMTA take the old files. One that could not start with what it found after a boot is started.
take_old() {
    if started_since; then start_or_activate; else activate; fi
}

start_or_activate() {
    runs
    if [ $? = 1 ] && restart_words pmta; then restart pmta; else activate; fi
}

# What follows success: keys that are not wanted any more, the kept generation, no traces. 2: only traces are left.
wind_up() {
    each remove-key remove key take_away && flush_folders remove key || return 1
    at keep
    # Nobody makes a generation between the one that is there and its own.
    last_generation
    if [ -d "$T/gen" ]; then
        GENERATION=$((GENERATION + 1))
        [ -d "$S/generations" ] || mkdir -p -- "$S/generations"
        name=$(printf %06d "$GENERATION")
        mv -- "$T/gen" "$S/generations/$name" || return 1
        KEPT=$S/generations/$name
        forget_bases
    fi
    at clean
    clear_names || return 2
}

# What is compared with is what the last transaction left; of earlier ones their record is enough.
forget_bases() {
    set --
    for g in "$S"/generations/[0-9]*/base; do
        [ "$g" = "$KEPT/base" ] || [ ! -e "$g" ] || set -- "$@" "$g"
    done
    [ $# = 0 ] || rm -f -- "$@"
}

# Takes away every name that the transaction in T laid beside a file.
clear_names() {
    set --
    folder=''
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        if [ "${path%/*}" != "$folder" ] || [ $# -ge 200 ]; then
            clear_in "$folder" "$@" || return 1
            set --
        fi
        folder=${path%/*}
        beside "$path"
        set -- "$@" "./${OLD##*/}" "./${NEW##*/}"
    done <"$T/plan"
    clear_in "$folder" "$@"
}

# Takes the names "$@" away that are in the folder $1, if it is there.
clear_in() {
    [ $# -gt 1 ] || return 0
    go_into "$1"
    entered=$?
    shift
    case $entered in
        0) rm -f -- "$@" ;;
        1) WHY="what lay beside the files could not be cleared away: $BLOCKED"; return 1 ;;
    esac
    entered=$?
    cd /
    return $entered
}

# Success, or everything back where even that fails. What was confirmed goes back only if that can be written down:
# else it is left to whoever comes next, who then finishes it.
conclude() {
    [ -e "$T/verdict" ] || { true >"$T/healthy" && flush "$T/healthy" "$T"; } || { STEP=pending WHY='the disk is full'; take_back; }
    wind_up
    case $? in
        0) finish applied '' '' ;;
        2) stuck applied '' "$WHY" ;;
    esac
    take_back
}

take_back() {
    rm -f -- "$T/healthy" || exit 75
    if [ -e "$T/verdict" ]; then
        say "revert ${WHY:-the step could not be done}" >"$T/verdict.new" && flush "$T/verdict.new" \
            && mv -f -- "$T/verdict.new" "$T/verdict" || exit 75
    fi
    flush "$T" # before a file is put back: who comes after a power loss must not finish it
    roll_back
}

roll_back() {
    step=$STEP
    undo "$step" "${WHY:-the step could not be done}"
    [ "$STATUS" != rollback-failed ] && [ -z "$LITTER" ] || stuck "$STATUS" "$step" "$REASON"
    finish "$STATUS" "$step" "$REASON"
}

# What could not be put back or cleared away is not given up: the transaction stays, and whoever comes next tries again.
# Meanwhile this is its record. Where only PowerMTA does not take the old files the transaction itself is over.
stuck() {
    if [ "$1" = rollback-failed ] && [ -z "$FAILED$LITTER" ] && owe "$3"; then finish "$@"; fi
    note_stuck "$@"
    [ ! -e "$T/timer" ] || disarm "$T"
    drop_lock
    exit 75
}

# That PowerMTA has yet to take the old files ($1 says why) is one thing for the whole host, however many changes found it
# so: it is noted once, and whoever comes next tries it again.
owe() {
    boot_id
    {
        while IFS= read -r line && [ "$line" != end ]; do say "$line"; done <"$T/request"
        say "owed $BOOT"
        say "owed-why $1"
        say end
    } >"$S/untaken.new" && mv -f -- "$S/untaken.new" "$S/untaken" && flush "$S/untaken" "$S"
} 2>/dev/null

# Has PowerMTA take the old files that it did not take when a change was undone. 1: it does not take them now either.
take_untaken() (
    [ -f "$S/untaken" ] || exit 0
    load "$S/untaken" || exit 1
    UNDOING=old
    boot_id
    mark_logs
    if [ "$OWED" != "$BOOT" ]; then start_or_activate; else activate; fi && activate_web && healthy || { keep_output; exit 1; }
    rm -f -- "$S/untaken"
    say "recovered $ID taken applied undo-activate" >>"$T/recovered"
)

why_untaken() {
    owed_id='' owed_why=''
    while IFS=' ' read -r word value; do
        case $word in id) owed_id=$value ;; owed-why) owed_why=$value ;; esac
    done <"$S/untaken"
    say "the transaction $owed_id was undone: $owed_why"
}

why_stuck() {
    while IFS= read -r line; do
        case $line in output) break ;; reason\ *) say ": ${line#reason }" ;; esac
    done 2>/dev/null <"$1/stuck"
}

note_stuck() {
    {
        say "status $1"
        say "step $2"
        say "generation ${GENERATION:-0}"
        say "reason $3"
        [ ! -f "$T/recovered" ] || cat -- "$T/recovered"
        say output
        dd if="$T/failed" bs=16384 count=1 iflag=fullblock 2>/dev/null
    } >"$T/stuck" 2>/dev/null
}

# The lock, and what others left: after it, this transaction alone is at work here.
enter() {
    at lock
    take_lock
    case $? in
        1) finish locked lock 'another transaction is at work on this host' ;;
        2) finish refused lock 'the lock could not be taken' ;;
    esac
    [ -f "$T/request" ] || { drop_lock; exit 70; }
    past lock
    at recover
    recover_all
    past recover
    [ -z "$WAITING" ] || finish locked lock "$WAITING"
}

# A transaction from its beginning, in a process of its own that no hang-up ends.
transaction() {
    enter
    [ -z "$LEFT_OVER" ] || finish refused recover "$LEFT_OVER"
    if [ "$OP" = recover ]; then
        # PowerMTA takes the files of another change perhaps: that keeps nobody from making one.
        [ -z "$UNTAKEN" ] || finish refused undo-activate "$UNTAKEN"
        finish applied recover ''
    fi
    last_generation
    at check
    compare || finish stale check "$WHY"
    past check
    if ! { prepare && { [ "$STAGE" != yes ] || rehearse; }; }; then give_up; fi
    WHY=''
    if [ "$STAGE" = yes ]; then stay_staged; fi
    go_on
}

# Nothing was changed: everything that was put beside the files is taken away again.
give_up() {
    step=$STEP why=${WHY:-'the disk is full'} STATUS=''
    [ ! -f "$T/plan" ] || undo "$step" "$why"
    [ "$STATUS" != rollback-failed ] || stuck "$STATUS" "$step" "$REASON"
    status=refused
    [ "$step" != test ] || status=rolled-back
    [ -z "$STALE" ] || status=$STALE step=check
    [ -z "$LITTER" ] || stuck "$status" "$step" "$why"
    finish "$status" "$step" "$why"
}

# Waits for the client to say `commit`. It holds nothing: another transaction that comes before clears it away.
stay_staged() {
    now
    namespace
    started $$ || START=-
    at staged && wait_until $((NOW + STAGED_FOR)) && mark staged "$$ $START $NS" || give_up
    past staged
    drop_lock
    exit 0
}

# The second half of a staged transaction.
resume() {
    at lock
    await_lock 30 || exit 75
    still_there
    past lock
    at recover
    recover_all
    past recover
    if [ -n "$WAITING" ]; then WHY=$WAITING STALE=locked; give_up; fi
    if [ -n "$LEFT_OVER" ]; then WHY=$LEFT_OVER; give_up; fi
    last_generation
    at check
    if ! { compare && compare_changed; }; then STEP=check STALE=stale; give_up; fi
    past check
    at running && may_reload || give_up
    go_on
}

go_on() {
    at go-on
    commit || roll_back
    if [ "$ACTIVATION" = none ] || [ "$CONFIRM" = 0 ]; then conclude; fi
    stay_pending
}

# Finishes or undoes what a dead transaction in the folder $1 left, and notes it for the record.
recover_one() (
    HERE=$T T=$1
    case ${T##*/} in *[!A-Za-z0-9_-]*) exit 0 ;; esac
    [ -f "$T/request" ] && load "$T/request" || { rm -rf -- "$T"; exit 0; }
    ID=${T##*/} RECOVERING=yes KEEP=1000000 GENERATION=0 WHY='' STEP='' LITTER='' PUT='' KEPT='' KINDS='' UNDOING=''
    if is_whole "$S/results/$ID"; then
        [ ! -e "$T/timer" ] || disarm "$T"
        # A power loss can bring back what was taken away before the record was written.
        [ ! -f "$T/plan" ] || clear_names || exit 1
        rm -rf -- "$T"
        exit 0
    fi
    if [ -f "$T/journal" ]; then
        while read -r name number; do case $name in *:after | undo*) ;; *) STEP=$name ;; esac; done <"$T/journal"
    fi
    broken=$STEP
    ! marked pending || [ -e "$T/verdict" ] || decide expired || :
    verdict=''
    [ ! -e "$T/verdict" ] || read -r verdict reason <"$T/verdict"
    if [ -e "$T/undo" ] && begun; then
        how=undone
    elif [ -e "$T/undo" ]; then
        how=discarded
    elif [ -e "$T/healthy" ] || [ "$verdict" = confirmed ]; then
        how=finished
    elif begun; then
        how=undone
    else
        how=discarded
    fi
    why="it was interrupted at the step $broken"
    [ "$broken" != staged ] || why='another transaction came first, and cleared it away'
    case $verdict in
        expired) why=$(not_confirmed) ;;
        revert) why=$reason ;;
    esac
    if [ "$how" = finished ]; then
        # What was confirmed is finished, or left for the next who comes.
        wind_up || exit 1
        STATUS=applied REASON=''
    elif [ -f "$T/plan" ]; then
        undo "$broken" "$why"
        [ "$how" = undone ] || [ "$STATUS" = rollback-failed ] || STATUS=refused
    else
        STATUS=refused REASON='it was interrupted before anything was changed' how=discarded
    fi
    [ ! -e "$T/timer" ] || disarm "$T"
    say "recovered $ID $how $STATUS $broken" >>"$HERE/recovered"
    if [ -n "$FAILED$LITTER" ] || { [ "$STATUS" = rollback-failed ] && ! owe "$REASON"; }; then
        note_stuck "$STATUS" "$broken" "$REASON"
        [ -z "$FAILED$LITTER" ]
        exit
    fi
    if [ -f "$T/doubts" ]; then
        while IFS= read -r line; do
            case $line in *"${tab}old$tab"*) say "$line" ;; esac
        done <"$T/doubts" >>"$HERE/doubts"
    fi
    record "$STATUS" "$broken" "$REASON" && rm -rf -- "$T"
)

# Settles what dead transactions left, and clears away what is staged. What is pending is left alone, and so is what
# somebody is just about to settle: WAITING says so, and O_* whose it is.
recover_all() {
    WAITING='' LEFT_OVER='' UNTAKEN='' waiter=''
    take_untaken || :
    for t in "$S"/tx/*; do
        [ -d "$t" ] && [ "$t" != "$T" ] || continue
        if at_work "$t"; then
            [ ! -e "$t/verdict" ] || WAITING='a change that is just being settled' waiter=$t
            continue
        fi
        # It may be being made at this moment.
        if read_owner "$S/own.${t##*/}" && alive; then continue; fi
        if waits "$t" && [ "$WAITS" = pending ]; then
            WAITING="a change that awaits its confirmation, and goes back by itself in $LEFT s without it"
            waiter=$t
            continue
        fi
        recover_one "$t" || LEFT_OVER="the transaction ${t##*/} could be neither finished nor undone$(why_stuck "$t")"
        [ ! -f "$t/stuck" ] || UNTAKEN="the transaction ${t##*/} could not be undone$(why_stuck "$t")"
    done
    for t in "$S"/own.* "$S"/heir.*; do
        [ -f "$t" ] || continue
        if read_owner "$t"; then
            alive || rm -f -- "$t"
        elif [ "$t" -ot "$T/request" ]; then
            rm -f -- "$t" # a power loss made it empty; what is being written now is newer
        fi
    done
    [ ! -f "$S/untaken" ] || UNTAKEN=$(why_untaken)
    [ -z "$waiter" ] || read_owner "$waiter/owner"
}
