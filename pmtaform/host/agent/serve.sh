# Requests and answers.

refuse() {
    say "status refused"
    say "step receive"
    say "reason $1"
    say output
}

# Takes the request in whole and makes the transaction, in a process apart from this connection, and tells its record.
start() {
    settings || return 1
    T=$S/tx/$ID UNREAD=all
    # Caught, not ignored: what is ignored here would stay so in the daemon that a restart starts.
    trap : HUP INT TERM PIPE
    {
        (
            MINE=''
            trap '[ -z "$MINE" ] || abandon; exit 70' HUP INT TERM
            whoami_process
            take_place
            WHOLE=yes
            if ! take_in; then
                abandon
                [ "$WHOLE" = yes ] || exit 64
                refuse "the request could not be stored in $S; is the disk full?"
                exit 65
            fi
            point receive.0
            [ ! -f "$S/results/$ID" ] && sole "$T/decided" || { abandon; exit 70; }
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
    point answer.0
    WAITS=''
    tell_result
    [ "$WAITS" != staged ] || LAID=$LAID$T$nl
}

# What this connection staged and nobody has gone on with is taken away when it ends: else a key would lie beside its place
# for as long as nobody comes. There is no record of it: who comes back with it begins anew.
leave() {
    while [ -n "$LAID" ]; do
        T=${LAID%%"$nl"*} LAID=${LAID#*"$nl"}
        (
            trap '' HUP INT QUIT TERM PIPE XFSZ
            whoami_process
            unstage
        ) </dev/null >/dev/null 2>&1
    done
}

unstage() {
    load "$T/request" && [ ! -f "$S/results/$ID" ] && marked staged && ! marked pending && sole "$T/claimed" || return 0
    own "$T/owner" && await_lock 30 || return 0
    if [ -f "$T/request" ]; then
        undo staged 'the connection that staged it has ended'
        if [ "$STATUS" = rollback-failed ] || [ -n "$LITTER" ]; then
            note_stuck "$STATUS" staged "$REASON"
        else
            rm -rf -- "$T"
        fi
    fi
    drop_lock
}

# Makes the transaction's folder, which there is once. Whose it is stands beside it before it is there, so that nobody
# takes it for a dead one's.
take_place() {
    is_ours || exit 65
    if [ ! -L "$S" ] && folders && [ ! -e "$T" ]; then
        if own "$S/own.$ID" && mkdir -- "$T" 2>/dev/null; then
            MINE=yes
            if mkdir -- "$T/gen" "$T/ready" 2>/dev/null && own "$T/owner"; then return; fi
            abandon
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

# Whether nobody else can write into S: what lies there is done, with all rights of this user.
is_ours() {
    [ -e "$S" ] || [ -L "$S" ] || return 0
    [ ! -L "$S" ] && [ -O "$S" ] && { [ ! -e "$S/tx" ] || [ -O "$S/tx" ]; } && return
    refuse "$S belongs to another user than the one that works here, who could have it do anything; give it to this one"
    return 1
}

abandon() { rm -rf -- "$T" "$S/own.$ID"; }

folders() {
    [ -d "$S/tx" ] && [ -w "$S/tx" ] && return 0
    { (umask 022 && mkdir -p -- "$R/var/lib") && mkdir -p -- "$S/tx" && chmod 700 -- "$S"; } 2>/dev/null
}

# Runs $1 in a process that nothing of this connection ends, waits for it, and tells what the host has of it then.
apart() {
    (
        trap '' HUP INT QUIT TERM PIPE XFSZ
        whoami_process
        load "$T/request" || exit 70
        # Whose word counts is found out first.
        [ "$1" = settle ] || own "$T/owner" || exit 70
        "$1"
    ) </dev/null >/dev/null 2>&1 &
    wait "$!"
    point answer.0
    tell_result
}

# What follows the settings, which come first in the stored request, and the contents, from stdin into T.
# WHOLE: whether all of it came.
take_in() {
    printf %s "$TOLD" >"$T/request" || return 1
    if [ "$SIZE" -gt 4096 ]; then
        receive "$SIZE" "$T/request" || return 1
    else
        TOLD=''
        while [ ${#TOLD} -lt "$SIZE" ]; do
            IFS= read -r line || { WHOLE=no; return 1; }
            TOLD=$TOLD$line$nl
        done
        printf %s "$TOLD" >>"$T/request" || return 1
    fi
    while IFS=$tab read -r action n kind mode owner group new src expected path <&3; do
        case $action in write) ;; *) continue ;; esac
        case $src in kept/*) continue ;; esac
        receive "$src" "$T/blob.$n" || return 1
    done 3<"$T/request"
    if [ "$RECORD" != 0 ]; then receive "$RECORD" "$T/gen/left" || return 1; fi
    IFS= read -r line
    [ "$line" = "$NONCE" ] || { WHOLE=no; return 1; }
}

# The record, or where the transaction stands.
tell_result() {
    if [ -f "$S/results/$ID" ]; then
        tell_file "$S/results/$ID"
        printf '\n%s\n' "$NONCE"
    elif T=$S/tx/$ID && waits "$T"; then
        say "status $WAITS"
        say "left $LEFT"
        [ ! -s "$T/recovered" ] || cat -- "$T/recovered"
        [ ! -s "$T/doubts" ] || cat -- "$T/doubts"
        [ ! -s "$T/unrehearsed" ] || tell_file "$T/unrehearsed"
        [ "$WAITS" = staged ] || [ ! -s "$T/answers" ] || tell_file "$T/answers"
    elif [ -f "$T/stuck" ]; then
        cat -- "$T/stuck"
        printf '\n%s\n' "$NONCE"
    elif [ -d "$T" ]; then
        say "status unfinished"
    else
        say "status none"
    fi
}

# The second half of a transaction that waits: `commit` for a staged one, `confirm` or `revert` for a pending one.
onward() {
    settings || return 1
    is_ours || return 0
    T=$S/tx/$ID
    if [ ! -f "$S/results/$ID" ] && [ -e "$T/decided" ] && ! at_work "$T"; then
        case $OP in
            commit) if marked staged && ! marked pending && claim; then apart resume; return; fi ;;
            *)
                # What is staged can only be taken back, by the one who claims it.
                if marked pending || { [ "$OP" = revert ] && marked staged && claim; }; then
                    trap : HUP INT TERM PIPE
                    apart settle
                    return
                fi
                ;;
        esac
    fi
    result
}

# Of two that come to a staged transaction at once, one goes on with it.
claim() {
    trap : HUP INT TERM PIPE
    sole "$T/claimed"
}

# The record of the transaction ID. While it runs, waits up to WAIT seconds. With FORCE, what has not begun is made
# never to begin: its place is taken, so that a request still on its way finds the matter decided.
result() {
    waited=0
    while [ ! -f "$S/results/$ID" ]; do
        if [ "$FORCE" = yes ] && { mkdir -p -- "$S/tx" 2>/dev/null; } && { mkdir -- "$S/tx/$ID" 2>/dev/null || sole "$S/tx/$ID/decided"; }; then
            T=$S/tx/$ID GENERATION=0
            # Its place is free also where it has just ended.
            [ -f "$S/results/$ID" ] \
                || record refused receive 'the connection was lost before the whole request had arrived; nothing was changed'
            sealed=$?
            abandon
            [ "$sealed" = 0 ] || { say 'status unsealed'; return; } # a full disk
        elif at_work "$S/tx/$ID" && [ $waited -lt "$WAIT" ]; then
            sleep 1
            waited=$((waited + 1))
        elif at_work "$S/tx/$ID"; then
            say "status running"
            return
        else
            break
        fi
    done
    tell_result
}

# Looks at what a pending change did, without deciding on it: one question a line, until "end", and each one's answer.
# The client lives, so the change is given its time again.
examine() {
    settings || return 1
    T=$S/tx/$ID
    if [ -n "$ID" ] && waits "$T" && [ "$WAITS" = pending ]; then
        now
        ! wait_until $((NOW + CONFIRM)) || say "left $CONFIRM"
    else
        say 'left 0'
    fi
    asked=0
    while IFS=$tab read -r word within rest; do
        [ "$word" != end ] || break
        asked=$((asked + 1))
        case $word in
            ask) heard "$within" "$R$PMTA$nl" "$rest" ;;
            command) heard "$within" '' "$rest" ;;
            greeting)
                greeting "${rest%%"$tab"*}" "${rest#*"$tab"}" "$within"
                rc=$? SAID=$GREETING
                ;;
            http) web_status "$within" "$rest" ;;
        esac
        say "said $asked $rc"
        printf '%s\n' "$SAID" | dd bs=65536 count=1 iflag=fullblock 2>/dev/null | while IFS= read -r line; do say "> $line"; done
    done
}

# Runs the words $3 (tabs between them) after the words $2, $1 seconds at most: what it says in SAID, its end in rc.
heard() {
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

# What is kept of every generation; with ID, of the change ID that awaits its confirmation.
generations() {
    case $ID in
        *[!A-Za-z0-9_-]*) ;;
        ?*) tell_kept 0 "$S/tx/$ID/gen" ;;
        *) for g in "$S"/generations/[0-9]*; do tell_kept "${g##*/}" "$g"; done ;;
    esac
}

tell_kept() {
    [ -f "$2/manifest" ] || return 0
    say "kept $1"
    cat -- "$2/info"
    while IFS=$tab read -r n kind action had omode oowner ogroup new path; do
        say "entry $n$tab$kind$tab$action$tab$had$tab$omode$tab$oowner$tab$ogroup$tab$new$tab$path"
    done <"$2/manifest"
}

# What the last transaction left, or the generation OF: who made it, its record, and with LOOK the configuration then.
left() {
    newest=''
    for g in "$S"/generations/[0-9]*; do [ ! -f "$g/manifest" ] || newest=$g; done
    case $OF in *[!0-9]*) return ;; ?*) newest=$S/generations/$OF ;; esac
    [ -n "$newest" ] && [ -f "$newest/manifest" ] || return 0
    say "kept ${newest##*/}"
    cat -- "$newest/info"
    show_copy record "$newest/left"
    [ "$LOOK" != yes ] || show_copy base "$newest/base"
}

# The content of the file $2 under the name $1, if it is there.
show_copy() {
    [ -f "$2" ] || return 0
    say "data $1"
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
        say "result $name"
        while IFS= read -r line; do
            [ "$line" != output ] || break
            case $line in status\ * | step\ * | generation\ * | reason\ * | since\ * | who\ * | what\ * | plan\ * | commit\ *) say "$line" ;; esac
        done <"$S/results/$name"
    done
}

# Takes away the lock of a holder that is not at work any more, or, forced, of any.
release() {
    if [ ! -e "$S/lock" ]; then
        say "status none"
    elif read_owner "$S/lock" && alive && [ "$FORCE" != yes ]; then
        say "status locked"
        tell_owner
    elif rm -f -- "$S/lock"; then
        say "status released"
        tell_owner
    else
        say "status refused"
    fi
}

# One request: what is asked for, and where its end must be.
serve() {
    IFS= read -r OP || { leave; exit 64; }
    printf '\n%s begin\n' "$NONCE"
    UNREAD=mark
    case $OP in
        probe) settings && look ;;
        apply | recover) start ;;
        commit | confirm | revert)
            onward
            [ "$LOOK" != yes ] || look
            ;;
        result) settings && { ! is_ours || result; } ;;
        examine) examine ;;
        generations) settings && generations ;;
        left) settings && left ;;
        copies) settings && copies ;;
        results) settings && results ;;
        release) settings && { ! is_ours || release; } ;;
    esac
    case $UNREAD in mark) IFS= read -r line && [ "$line" = "$NONCE" ] && UNREAD='' ;; esac
    if [ -n "$UNREAD" ]; then
        # What is left of it cannot be told from the next: that is for another process.
        printf '\n%s last\n' "$NONCE"
        leave
        exit 0
    fi
    # Nothing of it is kept while this waits, and a signal ends it again.
    fresh
    printf '\n%s end\n' "$NONCE"
}

main() {
    LAID='' NS='' RUN_BY='' OP=''
    fresh
    case ${1-} in
        --expire | --rehearse)
            T=$2 S=${2%/tx/*} ID=${2##*/}
            whoami_process
            load "$T/request" || exit 0
            if [ "$1" = --expire ]; then expire; else rehearsal "$3"; fi
            ;;
        *)
            for word; do RUN_BY=$RUN_BY$word$nl; done
            answer_all
            ;;
    esac
}

# Requests as long as there are any, each after a mark of its own. `more N SEAL`: N bytes of the program that the next
# needs, between two lines of that seal. All else is no request: the input is not what the client sent, and is not used.
answer_all() {
    while IFS= read -r NONCE; do
        case $NONCE in
            more\ *)
                NONCE=${NONCE#more }
                SEAL=${NONCE#* } LENGTH=${NONCE%% *}
                is_number "$LENGTH" || garbled
                MORE=$(dd bs="$LENGTH" count=1 iflag=fullblock 2>/dev/null)
                case ${#MORE}$MORE in "$((LENGTH - 1))$SEAL"*"$SEAL") ;; *) garbled ;; esac
                PROGRAM=$PROGRAM$nl$MORE
                eval "$MORE"
                ;;
            '' | *[!0-9a-f]*) garbled ;;
            *) serve ;;
        esac
    done
    leave
}

garbled() {
    leave
    say 'pmtaform: what arrived on standard input is not what was sent' >&2
    exit 76
}
