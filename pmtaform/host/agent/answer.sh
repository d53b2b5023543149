# What a request does, other than to look at the host.

refuse() {
    emit "status refused"
    emit "step receive"
    emit "reason $1"
    emit output
}

# Reads the complete request, makes the transaction in a process apart from this connection, and prints its record.
start() {
    settings || return 1
    T=$S/tx/$ID UNREAD=all
    read_namespace # here, because this process and the one below both need it
    # Caught, not ignored: an ignored signal would stay ignored in the daemon that a restart starts.
    trap : HUP INT TERM PIPE
    {
        (
            MINE=''
            trap '[ -z "$MINE" ] || remove_place; exit 70' HUP INT TERM
            identify_self
            take_place
            WHOLE=yes
            if ! take_in; then
                remove_place
                [ "$WHOLE" = yes ] || exit 64
                refuse "the request could not be stored in $S; is the disk full?"
                exit 65
            fi
            test_point receive.0
            [ ! -f "$S/results/$ID" ] && create_exclusively "$T/decided" || { remove_place; exit 70; }
            trap '' HUP INT QUIT TERM PIPE XFSZ
            exec </dev/null >/dev/null 2>&1
            transaction
        ) <&3 3<&- &
    } 3<&0
    wait "$!"
    case $? in
        64) exit 70 ;;
        65) return ;;
        ???) ;; # killed, perhaps before all was read
        *) UNREAD='' ;;
    esac
    test_point answer.0
    WAITS=''
    print_result
    [ "$WAITS" != staged ] || LAID=$LAID$T$nl
}

# Removes one staged change, in T.
clear_one_staged() {
    load "$T/request" && [ ! -f "$S/results/$ID" ] && has_mark staged && ! has_mark pending && create_exclusively "$T/claimed" || return 0
    write_owner "$T/owner" && await_lock 30 || return 0
    if [ -f "$T/request" ]; then
        undo_change staged 'the connection that staged it has ended'
        if [ "$STATUS" = rollback-failed ] || [ -n "$LITTER" ]; then
            note_stuck "$STATUS" staged "$REASON"
        else
            rm -rf -- "$T"
        fi
    fi
    drop_lock
}

# Creates the transaction's folder, once. Its owner file is written beside it first, so that no other process takes it for
# a dead transaction's.
take_place() {
    is_ours || exit 65
    if [ ! -L "$S" ] && folders && [ ! -e "$T" ]; then
        if write_owner "$S/own.$ID" && mkdir -- "$T" 2>/dev/null; then
            MINE=yes
            if mkdir -- "$T/gen" "$T/ready" 2>/dev/null && write_owner "$T/owner"; then return; fi
            remove_place
            MINE=''
        else
            rm -f -- "$S/own.$ID"
        fi
    fi
    if [ -d "$T" ] || [ -f "$S/results/$ID" ]; then
        result
    elif [ -d "$S/tx" ] && [ ! -L "$S" ]; then
        refuse "nothing could be written in $S; is the disk full?"
    else
        refuse "$S could not be made or written; does this need sudo?"
    fi
    exit 65
}

# Whether only this user can write into S: what it contains is carried out with all rights of this user.
is_ours() {
    [ -e "$S" ] || [ -L "$S" ] || return 0
    [ ! -L "$S" ] && [ -O "$S" ] && { [ ! -e "$S/tx" ] || [ -O "$S/tx" ]; } && return
    refuse "$S belongs to another user than the one that pmtaform runs as. That user could have it do anything. Change its owner."
    return 1
}

remove_place() { rm -rf -- "$T" "$S/own.$ID"; }

folders() {
    [ -d "$S/tx" ] && [ -w "$S/tx" ] && return 0
    { (umask 022 && mkdir -p -- "$R/var/lib") && mkdir -p -- "$S/tx" && chmod 700 -- "$S"; } 2>/dev/null
}

# Runs $1 in a process that the end of this connection does not end, waits for it, and prints the result.
run_detached() {
    (
        trap '' HUP INT QUIT TERM PIPE XFSZ
        identify_self
        load "$T/request" || exit 70
        # For `settle`, the first word counts, and is found out before.
        [ "$1" = settle ] || write_owner "$T/owner" || exit 70
        "$1"
    ) </dev/null >/dev/null 2>&1 &
    wait "$!"
    test_point answer.0
    print_result
}

# Reads the rest of the request, behind the settings, and the contents from stdin into T: the settings into `request`,
# the lines about files, listeners and questions into `lines`, which are read several times, a character at a time.
# WHOLE: whether all of it arrived.
take_in() {
    printf %s "$TOLD" >"$T/request" || return 1
    if [ "$SIZE" -gt 4096 ]; then
        receive "$SIZE" "$T/lines" || return 1
    else
        TOLD=''
        while [ ${#TOLD} -lt "$SIZE" ]; do
            IFS= read -r line || { WHOLE=no; return 1; }
            TOLD=$TOLD$line$nl
        done
        printf %s "$TOLD" >"$T/lines" || return 1
    fi
    while IFS=$tab read -r action n kind mode owner group new src expected path <&3; do
        case $action in write) ;; *) continue ;; esac
        case $src in kept/*) continue ;; esac
        receive "$src" "$T/blob.$n" || return 1
    done 3<"$T/lines"
    if [ "$RECORD" != 0 ]; then receive "$RECORD" "$T/gen/left" || return 1; fi
    IFS= read -r line
    [ "$line" = "$NONCE" ] || { WHOLE=no; return 1; }
}

# Prints the record, or the state of the transaction.
print_result() {
    if [ -f "$S/results/$ID" ]; then
        print_file "$S/results/$ID"
        printf '\n%s\n' "$NONCE"
    elif T=$S/tx/$ID && is_waiting "$T"; then
        emit "status $WAITS"
        emit "left $LEFT"
        [ ! -s "$T/recovered" ] || cat -- "$T/recovered"
        [ ! -s "$T/doubts" ] || print_file "$T/doubts"
        [ ! -s "$T/unrehearsed" ] || print_file "$T/unrehearsed"
        [ "$WAITS" = staged ] || [ ! -s "$T/answers" ] || print_file "$T/answers"
    elif [ -f "$T/stuck" ]; then
        cat -- "$T/stuck"
        printf '\n%s\n' "$NONCE"
    elif [ -d "$T" ]; then
        emit "status unfinished"
    else
        emit "status none"
    fi
}

# The second half of a transaction that waits: `commit` for a staged one, `confirm` or `revert` for a pending one.
continue_waiting() {
    settings || return 1
    is_ours || return 0
    T=$S/tx/$ID
    if [ ! -f "$S/results/$ID" ] && [ -e "$T/decided" ] && ! is_at_work "$T"; then
        case $OP in
            commit) if has_mark staged && ! has_mark pending && claim; then run_detached resume; return; fi ;;
            *)
                # A staged change can only be reverted, by the process that claims it.
                if has_mark pending || { [ "$OP" = revert ] && has_mark staged && claim; }; then
                    trap : HUP INT TERM PIPE
                    run_detached settle
                    return
                fi
                ;;
        esac
    fi
    result
}

# Of two processes that come to a staged transaction at once, one gets it.
claim() {
    trap : HUP INT TERM PIPE
    create_exclusively "$T/claimed"
}

# Prints the record of the transaction ID. While it runs, waits up to WAIT seconds. With FORCE, a transaction that has not
# started never will: its place is taken, so that a request still on its way is rejected.
result() {
    waited=0
    while [ ! -f "$S/results/$ID" ]; do
        if [ "$FORCE" = yes ] && { mkdir -p -- "$S/tx" 2>/dev/null; } && { mkdir -- "$S/tx/$ID" 2>/dev/null || create_exclusively "$S/tx/$ID/decided"; }; then
            T=$S/tx/$ID GENERATION=0
            # Its place is free also where it has just ended.
            [ -f "$S/results/$ID" ] \
                || record refused receive 'the connection was lost before the whole request had arrived; nothing was changed'
            sealed=$?
            remove_place
            [ "$sealed" = 0 ] || { emit 'status unsealed'; return; } # a full disk
        elif is_at_work "$S/tx/$ID" && [ $waited -lt "$WAIT" ]; then
            sleep 1
            waited=$((waited + 1))
        elif is_at_work "$S/tx/$ID"; then
            emit "status running"
            return
        else
            break
        fi
    done
    print_result
}

# Answers questions about a pending change, one a line, until "end". The client lives, so the deadline is extended.
examine() {
    settings || return 1
    T=$S/tx/$ID
    if [ -n "$ID" ] && is_waiting "$T" && [ "$WAITS" = pending ]; then
        now
        ! wait_until $((NOW + CONFIRM)) || emit "left $CONFIRM"
    else
        emit 'left 0'
    fi
    asked=0
    while IFS=$tab read -r word within rest; do
        [ "$word" != end ] || break
        asked=$((asked + 1))
        case $word in
            ask) run_words "$within" "$R$PMTA$nl" "$rest" ;;
            command) run_words "$within" '' "$rest" ;;
            greeting)
                greeting "${rest%%"$tab"*}" "${rest#*"$tab"}" "$within"
                rc=$? SAID=$GREETING
                ;;
            http) web_status "$within" "$rest" ;;
        esac
        emit "said $asked $rc"
        printf '%s\n' "$SAID" | dd bs=65536 count=1 iflag=fullblock 2>/dev/null | while IFS= read -r line; do emit "> $line"; done
    done
}

# Runs the words $3 (tabs between them) after the words $2, $1 seconds at most: what it says in SAID, its end in rc.
run_words() {
    words=$2 rest=$3
    while [ -n "$rest" ]; do
        words=$words${rest%%"$tab"*}$nl
        case $rest in *"$tab"*) rest=${rest#*"$tab"} ;; *) rest='' ;; esac
    done
    [ -n "$2" ] || words=$(rooted "$words")$nl
    limit=$1 rest=$words
    set --
    while [ -n "$rest" ]; do
        set -- "$@" "${rest%%"$nl"*}"
        rest=${rest#*"$nl"}
    done
    # The first 64 KiB, and the end of what comes after them, which has the exit code.
    SAID=$(
        { PMTAFORM_ROOT=$R timeout -k 5 "$limit" "$@" </dev/null 2>&1; printf '\nrc %s' $?; } \
            | { dd bs=65536 count=1 iflag=fullblock 2>/dev/null; tail -c 8; }
    )
    rc=${SAID##*"$nl"rc }
    [ "$rc" != 143 ] || rc=124 # busybox's way to tell that the time was over
    SAID=${SAID%"$nl"rc *}
    while :; do case $SAID in *"$nl") SAID=${SAID%"$nl"} ;; *) break ;; esac; done
}

# The status that a web server answers a GET with, in SAID: "$2" is yes or no for the certificate, a tab, the URL.
web_status() {
    SAID='' rc=2
    if command -v curl >/dev/null 2>&1; then
        loose=''
        [ "${2%%"$tab"*}" = yes ] || loose=--insecure
        # shellcheck disable=SC2086  # one word or none
        SAID=$(curl --silent $loose --output /dev/null --max-time "$1" --write-out '%{http_code}' --url "${2#*"$tab"}" </dev/null 2>/dev/null)
        rc=$?
    fi
}

# Prints what is kept of every generation; with ID, of the change ID that awaits its confirmation.
generations() {
    case $ID in
        *[!A-Za-z0-9_-]*) ;;
        ?*) print_kept 0 "$S/tx/$ID/gen" ;;
        *) for g in "$S"/generations/[0-9]*; do print_kept "${g##*/}" "$g"; done ;;
    esac
}

print_kept() {
    [ -f "$2/manifest" ] || return 0
    emit "kept $1"
    cat -- "$2/info"
    while IFS=$tab read -r n kind action had omode oowner ogroup new path; do
        emit "entry $n$tab$kind$tab$action$tab$had$tab$omode$tab$oowner$tab$ogroup$tab$new$tab$path"
    done <"$2/manifest"
}

# What the last transaction left, or the generation OF: who made it, its record, and with LOOK the configuration then.
print_left() {
    newest=''
    for g in "$S"/generations/[0-9]*; do [ ! -f "$g/manifest" ] || newest=$g; done
    case $OF in *[!0-9]*) return ;; ?*) newest=$S/generations/$OF ;; esac
    [ -n "$newest" ] && [ -f "$newest/manifest" ] || return 0
    emit "kept ${newest##*/}"
    cat -- "$newest/info"
    show_copy record "$newest/left"
    [ "$LOOK" != yes ] || show_copy base "$newest/base"
}

# The content of the file $2 under the name $1, if it is there.
show_copy() {
    [ -f "$2" ] || return 0
    emit "data $1"
    cat -- "$2"
    printf '\n%s\n' "$NONCE"
}

# The kept copies that the request names, each as GENERATION/NUMBER; with ID, those of the change that awaits its
# confirmation.
copies() {
    case $ID in *[!A-Za-z0-9_-]*) return ;; esac
    while IFS= read -r line; do
        case $line in
            end) break ;;
            *[!0-9/]* | */*/*) ;;
            */*) if [ -n "$ID" ]; then show_copy "$line" "$S/tx/$ID/gen/${line#*/}"; else show_copy "$line" "$S/generations/$line"; fi ;;
        esac
    done
}

# The records that are kept, the oldest first.
results() {
    ls -1tr -- "$S/results" 2>/dev/null | while IFS= read -r name; do
        emit "result $name"
        while IFS= read -r line; do
            [ "$line" != output ] || break
            case $line in status\ * | step\ * | generation\ * | reason\ * | since\ * | who\ * | what\ * | plan\ * | commit\ *) emit "$line" ;; esac
        done <"$S/results/$name"
    done
}

# Removes the lock of a holder that has ended, or with FORCE of any holder.
release() {
    if [ ! -e "$S/lock" ]; then
        emit "status none"
    elif read_owner "$S/lock" && is_alive && [ "$FORCE" != yes ]; then
        emit "status locked"
        print_owner
    elif rm -f -- "$S/lock"; then
        emit "status released"
        print_owner
    else
        emit "status refused"
    fi
}
