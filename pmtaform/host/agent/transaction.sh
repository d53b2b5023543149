# One host's changes, made atomically.

describe_generation() {
    emit "transaction $ID"
    emit "who $WHO"
    emit "what $WHAT"
    emit "plan $PLAN"
    emit "commit $COMMIT"
    emit "started $SINCE"
    emit "status applied"
}

# Stages and verifies everything before a live file is changed. 0, or WHY and STEP.
prepare() {
    STALE=''
    step policy && plan_files || return 1
    set_owners && for_each stage write any stage || return 1
    step backup && describe_generation >"$T/gen/info" \
        || { WHY='the disk is full'; return 1; }
    for_each backup write any back_up && for_each backup remove any back_up || return 1
    keep_base || { WHY='the configuration could not be kept'; return 1; }
    step prove && verify_staged || return 1
    [ "$ACTIVATION" != none ] || return 0
    step running && can_reload || return 1
    ask_listeners greeted
}

# New keys, then configuration, then its removals: a configuration never names a key that does not exist.
commit_files() {
    boot_id
    step begin && mark begin "$BOOT" && flush_staged && step_done begin || return 1
    for_each commit-key write key put_in_place || return 1
    step settle-files 1 && flush_folders write key || return 1
    for_each commit-config write config put_in_place && for_each commit-config remove config remove_file && backups_are_intact || return 1
    step settle-files 2 && flush_folders any any "$T/marks"
}

# Has `pmta test config` test the new files in place, unless a rehearsal has done that.
test_in_place() {
    [ "$TEST" = yes ] && [ -x "$R$PMTA" ] && ! has_mark tested || return 0
    step test && test_config && step_done test || { keep_output; return 1; }
}

# From the staged files to a server that runs them.
commit() {
    commit_files && test_in_place || return 1
    [ "$ACTIVATION" != none ] || return 0
    if [ "$CONFIRM" != 0 ]; then step arm && arm_timer && step_done arm || return 1; fi
    step activate && mark activate && { mark_logs || :; } && activate && step_done activate || { keep_output; return 1; }
    step activate-web && activate_web && step_done activate-web || { keep_output; return 1; }
    step health && wait_healthy && step_done health || { keep_output; return 1; }
    [ ! -e "$S/untaken" ] || rm -f -- "$S/untaken" # it takes what is there now
    step listeners && listeners_greet && step_done listeners || return 1
    step ask && ask_questions "$T/answers" && step_done ask || return 1
}

# Undoes the transaction in T after its step $1 failed for the reason $2; sets STATUS and REASON.
undo_change() {
    STATUS=rolled-back REASON=$2 UNDOING=old
    true >"$T/undo"
    step undo
    restore_files
    for f in "$S/edited/$ID".*; do
        [ -e "$f" ] || continue
        case $EDITED in *"(${f##*/})"*) ;; *) EDITED="$EDITED ${f##*/}" ;; esac
    done
    [ -z "$EDITED" ] || REASON="$2; edits made meanwhile are kept in /var/lib/pmtaform/edited:$EDITED"
    if [ -n "$FAILED" ]; then
        STATUS=rollback-failed REASON="$REASON; not restored:$FAILED"
    elif has_begun && needs_activation; then
        step undo-activate
        mark_logs
        if load_old && activate_web && wait_healthy; then
            rm -f -- "$S/untaken"
        else
            STATUS=rollback-failed REASON="$REASON; the old files are restored, but PowerMTA did not load them: $WHY"
            cat -- "$T/out" >>"$T/failed" 2>/dev/null
            show_logs
        fi
    fi
    step undo-clean
}

# Whether PowerMTA may have loaded the new configuration, so that the old one must be activated again: it was activated, or
# the machine was started while the new files were in place.
needs_activation() {
    [ "$ACTIVATION" != none ] || return 1
    has_mark activate || started_since
}

# Whether anything of the change may be in the place of a file.
has_begun() { has_mark begin; }

started_since() {
    has_mark begin || return 1
    boot_id
    [ "$MARK" != "$BOOT" ]
}

# Has PowerMTA load the old files. After a boot it is started, if the new files prevented that.
load_old() {
    if started_since; then start_or_activate; else activate; fi
}

start_or_activate() {
    pmta_runs
    if [ $? = 1 ] && restart_words pmta; then restart pmta; else activate; fi
}

# After success: removes old keys, keeps the generation, removes the staged names. 2: only these names are left.
clean_up() {
    for_each remove-key remove key remove_file && flush_folders remove key || return 1
    step keep
    # Under the lock no other process makes a generation.
    last_generation
    if [ -d "$T/gen" ]; then
        GENERATION=$((GENERATION + 1))
        [ -d "$S/generations" ] || mkdir -p -- "$S/generations"
        number=00000$GENERATION
        while [ ${#number} -gt 6 ] && [ "${number#0}" != "$number" ]; do number=${number#0}; done
        mv -- "$T/gen" "$S/generations/$number" || return 1
        KEPT=$S/generations/$number
    fi
    step clean
    remove_staged_names || return 2
}

# Removes every name that the transaction in T made beside a file. With a new generation, the copies of the configuration
# in earlier ones go too: only the last is compared with, of earlier ones the record is enough.
remove_staged_names() {
    set --
    for g in "$S"/generations/[0-9]*/base; do
        [ -z "$KEPT" ] || [ "$g" = "$KEPT/base" ] || [ ! -e "$g" ] || set -- "$@" "$g"
    done
    folder=-
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        if [ "$folder" != - ] && { [ "${path%/*}" != "$folder" ] || [ $# -ge 200 ]; }; then
            remove_names_in "$folder" "$@" || return 1
            set --
        fi
        folder=${path%/*}
        name_beside "$path"
        set -- "$@" "./${OLD##*/}" "./${NEW##*/}"
    done <"$T/plan"
    remove_names_in "${folder#-}" "$@"
}

# Removes the names after $1 from the folder $1, if it exists.
remove_names_in() {
    [ $# -gt 1 ] || return 0
    go_into "$1"
    entered=$?
    shift
    case $entered in
        0) rm -f -- "$@" ;;
        1) WHY="the staged files could not be removed: $BLOCKED"; return 1 ;;
    esac
    entered=$?
    cd /
    return $entered
}

# Ends an applied change, or reverts it where that fails. A confirmed change is reverted only if that can be recorded:
# else the next command finishes it.
finish_applied() {
    [ -e "$T/verdict" ] || { true >"$T/healthy" && flush "$T/healthy" "$T"; } || { STEP=pending WHY='the disk is full'; revert_applied; }
    clean_up
    case $? in
        0) finish applied '' '' ;;
        2) end_unresolved applied '' "$WHY" ;;
    esac
    revert_applied
}

revert_applied() {
    rm -f -- "$T/healthy" || exit 75
    if [ -e "$T/verdict" ]; then
        emit "revert ${WHY:-the step could not be done}" >"$T/verdict.new" && flush "$T/verdict.new" \
            && mv -f -- "$T/verdict.new" "$T/verdict" || exit 75
    fi
    flush "$T" # before a file is restored: after a power loss the next command must not finish the change
    roll_back
}

roll_back() {
    step=$STEP
    undo_change "$step" "${WHY:-the step could not be done}"
    [ "$STATUS" != rollback-failed ] && [ -z "$LITTER" ] || end_unresolved "$STATUS" "$step" "$REASON"
    finish "$STATUS" "$step" "$REASON"
}

# Ends this process, but not the transaction: the next command tries again to restore or remove what could not be.
# Meanwhile this is its record. Where only PowerMTA does not load the old files, the transaction itself is over.
end_unresolved() {
    if [ "$1" = rollback-failed ] && [ -z "$FAILED$LITTER" ] && note_unloaded "$3"; then finish "$@"; fi
    note_stuck "$@"
    [ ! -e "$T/timer" ] || disarm_timer "$T"
    drop_lock
    exit 75
}

# Notes that PowerMTA has not loaded the old files; $1 says why. There is one note for the host, however many changes end
# so, and the next command tries again.
note_unloaded() {
    boot_id
    {
        while IFS= read -r line && [ "$line" != end ]; do emit "$line"; done <"$T/request"
        emit "owed $BOOT"
        emit "owed-why $1"
        emit end
    } >"$S/untaken.new" && mv -f -- "$S/untaken.new" "$S/untaken" && flush "$S/untaken" "$S"
} 2>/dev/null

# Has PowerMTA load the old files that it did not load when a change was undone. 1: it does not load them now either.
load_unloaded() (
    [ -f "$S/untaken" ] || exit 0
    load "$S/untaken" || exit 1
    UNDOING=old
    boot_id
    mark_logs
    if [ "$OWED" != "$BOOT" ]; then start_or_activate; else activate; fi && activate_web && wait_healthy || { keep_output; exit 1; }
    rm -f -- "$S/untaken"
    emit "recovered $ID taken applied undo-activate" >>"$T/recovered"
)

explain_unloaded() {
    owed_id='' owed_why=''
    while IFS=' ' read -r word value; do
        case $word in id) owed_id=$value ;; owed-why) owed_why=$value ;; esac
    done <"$S/untaken"
    emit "the transaction $owed_id was undone: $owed_why"
}

explain_stuck() {
    while IFS= read -r line; do
        case $line in output) break ;; reason\ *) emit ": ${line#reason }" ;; esac
    done 2>/dev/null <"$1/stuck"
}

note_stuck() {
    {
        emit "status $1"
        emit "step $2"
        emit "generation ${GENERATION:-0}"
        emit "reason $3"
        [ ! -f "$T/recovered" ] || cat -- "$T/recovered"
        emit output
        dd if="$T/failed" bs=16384 count=1 iflag=fullblock 2>/dev/null
    } >"$T/stuck" 2>/dev/null
}

# Takes the lock and recovers what dead transactions left: after it, only this transaction works here.
begin_exclusively() {
    step lock
    take_lock
    case $? in
        1) finish locked lock 'another transaction is at work on this host' ;;
        2) finish refused lock 'the lock could not be taken' ;;
    esac
    [ -f "$T/request" ] || { drop_lock; exit 70; }
    step_done lock
    step recover
    recover_all
    step_done recover
    [ -z "$WAITING" ] || finish locked lock "$WAITING"
}

# A transaction from its start, in its own process, which no hang-up ends.
transaction() {
    begin_exclusively
    [ -z "$LEFT_OVER" ] || finish refused recover "$LEFT_OVER"
    if [ "$OP" = recover ]; then
        # PowerMTA may load the files of another change, so this does not prevent one.
        [ -z "$UNTAKEN" ] || finish refused undo-activate "$UNTAKEN"
        finish applied recover ''
    fi
    last_generation
    step check
    compare request || finish stale check "$WHY"
    step_done check
    if ! { prepare && { [ "$STAGE" != yes ] || rehearse; }; }; then end_unchanged; fi
    WHY=''
    if [ "$STAGE" = yes ]; then wait_staged; fi
    carry_out
}

# Ends a transaction that changed no live file: everything beside the files is removed.
end_unchanged() {
    step=$STEP why=${WHY:-'the disk is full'} STATUS=''
    [ ! -f "$T/plan" ] || undo_change "$step" "$why"
    [ "$STATUS" != rollback-failed ] || end_unresolved "$STATUS" "$step" "$REASON"
    status=refused
    [ "$step" != test ] || status=rolled-back
    [ -z "$STALE" ] || status=$STALE step=check
    [ -z "$LITTER" ] || end_unresolved "$status" "$step" "$why"
    finish "$status" "$step" "$why"
}

# Leaves the transaction to wait for `commit`. It holds no lock: another transaction that comes first removes it.
wait_staged() {
    now
    read_namespace
    read_start $$ || START=-
    step staged && wait_until $((NOW + STAGED_FOR)) && mark staged "$$ $START $NS" || end_unchanged
    step_done staged
    drop_lock
    exit 0
}

# The second half of a staged transaction.
resume() {
    step lock
    await_lock 30 || exit 75
    exit_if_settled
    step_done lock
    step recover
    recover_all
    step_done recover
    if [ -n "$WAITING" ]; then WHY=$WAITING STALE=locked; end_unchanged; fi
    if [ -n "$LEFT_OVER" ]; then WHY=$LEFT_OVER; end_unchanged; fi
    last_generation
    step check
    if ! compare plan; then STEP=check STALE=stale; end_unchanged; fi
    step_done check
    step running && can_reload || end_unchanged
    carry_out
}

carry_out() {
    step go-on
    commit || roll_back
    if [ "$ACTIVATION" = none ] || [ "$CONFIRM" = 0 ]; then finish_applied; fi
    wait_pending
}

# Finishes or undoes the dead transaction in the folder $1, and notes that for the record.
#
#   undo started | healthy or confirmed | live files changed (`begin`) | the transaction is
#   yes          | any                  | yes                          | undone
#   yes          | any                  | no                           | discarded
#   no           | yes                  | any                          | finished
#   no           | no                   | yes                          | undone
#   no           | no                   | no                           | discarded
recover_one() (
    HERE=$T T=$1
    case ${T##*/} in *[!A-Za-z0-9_-]*) exit 0 ;; esac
    [ -f "$T/request" ] && load "$T/request" || { rm -rf -- "$T"; exit 0; }
    ID=${T##*/} RECOVERING=yes KEEP=1000000 GENERATION=0 WHY='' STEP='' LITTER='' PUT='' KEPT='' KINDS='' UNDOING=''
    if is_whole "$S/results/$ID"; then
        [ ! -e "$T/timer" ] || disarm_timer "$T"
        # A power loss can bring back names that were removed before the record was written.
        [ ! -f "$T/plan" ] || remove_staged_names || exit 1
        rm -rf -- "$T"
        exit 0
    fi
    if [ -f "$T/journal" ]; then
        while read -r name number; do case $name in *:after | undo*) ;; *) STEP=$name ;; esac; done <"$T/journal"
    fi
    broken=$STEP
    ! has_mark pending || [ -e "$T/verdict" ] || decide expired || :
    verdict=''
    [ ! -e "$T/verdict" ] || read -r verdict reason <"$T/verdict"
    if [ -e "$T/undo" ] && has_begun; then
        how=undone
    elif [ -e "$T/undo" ]; then
        how=discarded
    elif [ -e "$T/healthy" ] || [ "$verdict" = confirmed ]; then
        how=finished
    elif has_begun; then
        how=undone
    else
        how=discarded
    fi
    why="it was interrupted at the step $broken"
    [ "$broken" != staged ] || why='another transaction came first and removed it'
    case $verdict in
        expired) why=$(not_confirmed) ;;
        revert) why=$reason ;;
    esac
    if [ "$how" = finished ]; then
        # A confirmed change is finished, now or by the next command.
        clean_up || exit 1
        STATUS=applied REASON=''
    elif [ -f "$T/plan" ]; then
        undo_change "$broken" "$why"
        [ "$how" = undone ] || [ "$STATUS" = rollback-failed ] || STATUS=refused
    else
        STATUS=refused REASON='it was interrupted before it changed anything' how=discarded
    fi
    [ ! -e "$T/timer" ] || disarm_timer "$T"
    emit "recovered $ID $how $STATUS $broken" >>"$HERE/recovered"
    if [ -n "$FAILED$LITTER" ] || { [ "$STATUS" = rollback-failed ] && ! note_unloaded "$REASON"; }; then
        note_stuck "$STATUS" "$broken" "$REASON"
        [ -z "$FAILED$LITTER" ]
        exit
    fi
    if [ -f "$T/doubts" ]; then
        while IFS= read -r line; do
            case $line in *"${tab}old$tab"*) emit "$line" ;; esac
        done <"$T/doubts" >>"$HERE/doubts"
    fi
    record "$STATUS" "$broken" "$REASON" && rm -rf -- "$T"
)

# Settles dead transactions and removes staged ones. A pending transaction, and one that another process is about to
# settle, is left unchanged: WAITING reports it, and O_* its owner.
recover_all() {
    WAITING='' LEFT_OVER='' UNTAKEN='' waiter=''
    [ ! -f "$S/untaken" ] || load_unloaded || :
    for t in "$S"/tx/*; do
        [ -d "$t" ] && [ "$t" != "$T" ] || continue
        if is_at_work "$t"; then
            [ ! -e "$t/verdict" ] || WAITING='a change that is being settled' waiter=$t
            continue
        fi
        # Another process may be creating it at this moment.
        if read_owner "$S/own.${t##*/}" && is_alive; then continue; fi
        if is_waiting "$t" && [ "$WAITS" = pending ]; then
            WAITING="a change that awaits its confirmation, and rolls back by itself in $LEFT s without it"
            waiter=$t
            continue
        fi
        recover_one "$t" || LEFT_OVER="the transaction ${t##*/} could be neither finished nor undone$(explain_stuck "$t")"
        [ ! -f "$t/stuck" ] || UNTAKEN="the transaction ${t##*/} could not be undone$(explain_stuck "$t")"
    done
    for t in "$S"/own.* "$S"/heir.*; do
        [ -f "$t" ] || continue
        if read_owner "$t"; then
            is_alive || rm -f -- "$t"
        elif [ "$t" -ot "$T/request" ]; then
            rm -f -- "$t" # a power loss made it empty; what is being written now is newer
        fi
    done
    [ ! -f "$S/untaken" ] || UNTAKEN=$(explain_unloaded)
    [ -z "$waiter" ] || read_owner "$waiter/owner"
}
