# What the host has now.

# Looks at the paths "$@" (in KNOWN, one a line, in their order: the digest that is known; `new`, where the content is
# wanted whatever it is; or `hash`, where it is not). With STAMP_TOO, at the pmta program too.
scan() {
    known=$KNOWN KNOWN='' WANTS=''
    for path; do
        shift
        want=${known%%"$nl"*} known=${known#*"$nl"}
        if find_link "$path"; then
            queue "bad symlink${tab}$path${tab}$L -> $(readlink -- "$R$L")"
        elif [ -L "$R$path" ]; then
            queue "bad symlink${tab}$path${tab}$path -> $(readlink -- "$R$path")"
        elif [ -d "$R$path" ]; then
            queue "bad folder${tab}$path"
        elif [ ! -e "$R$path" ]; then
            # A folder on the way that may not be entered hides what is in it.
            parent=${path%/*}
            while [ -n "$parent" ] && [ ! -d "$R$parent/" ]; do parent=${parent%/*}; done
            if [ -x "$R$parent/" ]; then queue "absent $path"; else queue "bad permission${tab}$path"; fi
        elif [ ! -f "$R$path" ]; then
            queue "bad special${tab}$path"
        elif [ ! -r "$R$path" ]; then
            queue "bad permission${tab}$path"
        else
            set -- "$@" "$R$path"
            WANTS=$WANTS$want$nl
        fi
    done
    [ -z "$STAMP_TOO" ] || STAMP_NOW=-
    set -- ${STAMP_TOO:+"$R$PMTA"} "$@"
    [ $# -gt 0 ] || return 0
    looked=$(stat -L -c "%f${tab}%u${tab}%g${tab}%s${tab}%U${tab}%G${tab}%i.%s.%Y.%Z${tab}%n" -- "$@" 2>/dev/null)$nl
    if [ -n "$STAMP_TOO" ]; then
        shift
        line=${looked%%"$nl"*}
        case $line in *"$tab$R$PMTA") looked=${looked#*"$nl"} line=${line%"$tab$R$PMTA"} STAMP_NOW=${line##*"$tab"} ;; esac
    fi
    STATS=''
    for path; do
        line=${looked%%"$nl"*}
        if [ "${line#*"$tab"*"$tab"*"$tab"*"$tab"*"$tab"*"$tab"*"$tab"}" = "$path" ]; then
            STATS=$STATS${line%"$path"}$nl looked=${looked#*"$nl"}
        else
            STATS=$STATS$nl
        fi
    done
    take_digests "$@"
    print_files "$@"
}

# Of "$@", those whose digests are wanted, in SUMS. `large`: it is not read.
take_digests() {
    stats=$STATS wants=$WANTS
    for path; do
        shift
        line=${stats%%"$nl"*} stats=${stats#*"$nl"}
        want=${wants%%"$nl"*} wants=${wants#*"$nl"}
        [ "$want" = new ] || [ -z "$line" ] || is_large "$line" || set -- "$@" "$path"
    done
    digests "$@"
}

is_large() {
    size=${1#*"$tab"*"$tab"*"$tab"}
    [ "${size%%"$tab"*}" -gt $MAX_SIZE ]
}

# Says of each of "$@" what it is, and what is in it where that is wanted.
print_files() {
    for path; do
        line=${STATS%%"$nl"*} STATS=${STATS#*"$nl"}
        want=${WANTS%%"$nl"*} WANTS=${WANTS#*"$nl"}
        sum=-
        if [ -z "$line" ]; then
            queue "bad moving${tab}${path#"$R"}"
        elif is_large "$line"; then
            queue "bad large${tab}${path#"$R"}"
        else
            if [ "$want" != new ]; then
                sum=${SUMS%%"$nl"*} SUMS=${SUMS#*"$nl"}
                [ -n "$sum" ] || { queue "bad moving${tab}${path#"$R"}"; continue; }
            fi
            queue "file $sum${tab}$line${path#"$R"}"
            case $want in hash | "$sum") continue ;; esac
            queue "data ${path#"$R"}"
            send_queued
            { is_open "$path" && ! find_link "${path#"$R"}" && cat <&4; } 2>/dev/null 4<"$path"
            kept=$?
            printf '\n%s\n' "$NONCE"
            [ $kept = 0 ] || queue "bad moving${tab}${path#"$R"}"
        fi
    done
}

# The files that the pattern $1 names now, each on a line, in MATCHES.
expand() {
    MATCHES=''
    IFS=''
    # shellcheck disable=SC2086  # the pattern is to be expanded, and is not split
    set -- "$R"$1
    unset IFS
    chunk=''
    for match; do
        case $match in *"$nl"*) continue ;; esac
        if [ -e "$match" ] || [ -L "$match" ]; then chunk=$chunk${match#"$R"}$nl; fi
        # A text is copied whole each time that something is put behind it, so the long one is added to seldom.
        if [ ${#chunk} -gt 4096 ]; then MATCHES=$MATCHES$chunk chunk=''; fi
    done
    MATCHES=$MATCHES$chunk
}

# Runs $1 with the lines of $2 as its arguments.
with_lines() {
    runs=$1
    IFS=$nl
    set -f
    # shellcheck disable=SC2086  # it is to be split, and nothing in it expanded
    set -- $2
    set +f
    unset IFS
    "$runs" "$@"
}

emit_matches() { for path; do queue "match $path"; done; }

# Scans "$@", whose content is wanted, some at a time.
scan_new() {
    batch='' count=0
    for path; do
        batch=$batch$path$nl count=$((count + 1)) KNOWN=${KNOWN}new$nl
        [ $count -ge 100 ] || continue
        with_lines scan "$batch"
        batch='' count=0
    done
    with_lines scan "$batch"
}

# Of "$@" those that are not in ASKED, each once, in FRESH.
not_asked() {
    FRESH=''
    for path; do
        case $ASKED in *"$nl$path$nl"*) continue ;; esac
        ASKED=$ASKED$path$nl FRESH=$FRESH$path$nl
    done
}

# The same of the lines $1, which may be many: looking through all of ASKED for each takes their square.
not_asked_of_many() {
    if [ ${#ASKED} -lt 8192 ] && [ ${#1} -lt 8192 ]; then
        with_lines not_asked "$1"
    else
        FRESH=$({
            printf '%s' "$ASKED$ASKED"
            printf '%s' "$1" | sort -u
        } | sort | uniq -u)
    fi
}

# What tells whether the pmta program is still the one whose version is known, and else its version.
pmta_version() {
    queue "stamp $STAMP_NOW"
    case $STAMP_NOW in - | "$STAMP") return ;; esac
    queue version
    send_queued
    PMTAFORM_ROOT=$R timeout -k 2 "$TIMEOUT" "$R$PMTA" show version 2>/dev/null </dev/null \
        | dd bs=4096 count=1 iflag=fullblock 2>/dev/null
    printf '\n%s\n' "$NONCE"
}

# Who is at work here, what waits for its client, what something left half done, and what became of OUTCOME_OF.
host_facts() {
    machine=''
    read -r machine 2>/dev/null <"$R/etc/machine-id"
    queue "machine $machine"
    last_generation
    queue "generation $GENERATION"
    if read_owner "$S/lock" && is_alive; then
        send_queued
        print_owner
    fi
    for t in "$S"/tx/*; do
        [ -e "$t/decided" ] || continue
        if is_at_work "$t"; then continue; fi
        if is_waiting "$t"; then
            queue "awaiting $O_ID$tab$WAITS$tab$LEFT$tab$O_SINCE$tab$O_WHO$tab$O_WHAT"
        else
            queue "unsettled ${t##*/}"
        fi
    done
    if [ -f "$S/untaken" ]; then
        while read -r word value; do [ "$word" != id ] || queue "unsettled $value"; done <"$S/untaken"
    fi
    [ -n "$OUTCOME_OF" ] || return 0
    if [ -f "$S/results/$OUTCOME_OF" ]; then
        while IFS= read -r line; do
            case $line in
                output) break ;;
                status\ * | step\ * | reason\ *) queue "outcome-$line" ;;
                generation\ *) queue "outcome-$line" ;;
            esac
        done <"$S/results/$OUTCOME_OF"
    elif [ -d "$S/tx/$OUTCOME_OF" ]; then
        queue "outcome-status unsettled"
    else
        queue "outcome-status none"
    fi
}

# The rest of the request names files and patterns, and is looked at.
probe_host() {
    ASKED=$nl KNOWN='' PATTERNS='' STAMP_TOO='' STAMP_NOW=- asked=''
    set --
    while IFS= read -r line; do
        case $line in
            end) break ;;
            file\ *)
                line=${line#* }
                KNOWN=$KNOWN${line%% *}$nl
                set -- "$@" "${line#* }"
                asked=$asked${line#* }$nl
                if [ $# -ge 100 ]; then
                    ASKED=$ASKED$asked asked=''
                    scan "$@"
                    set --
                fi
                ;;
            pattern\ *) PATTERNS=$PATTERNS${line#* }$nl ;;
        esac
    done
    ASKED=$ASKED$asked matched=''
    [ ! -f "$R$PMTA" ] || [ ! -x "$R$PMTA" ] || STAMP_TOO=yes
    scan "$@"
    STAMP_TOO=''
    while [ -n "$PATTERNS" ]; do
        pattern=${PATTERNS%%"$nl"*} PATTERNS=${PATTERNS#*"$nl"}
        queue "pattern $pattern"
        expand "$pattern"
        with_lines emit_matches "$MATCHES"
        matched=$matched$MATCHES
    done
    if [ -n "$matched" ]; then
        not_asked_of_many "$matched"
        with_lines scan_new "$FRESH"
    fi
    host_facts
    [ -z "$SUDO_LOG" ] || sudo_log
    pmta_version
}

# Reports which streams sudo logs, as `sudo -l` lists it for its user. Root needs no password for it.
sudo_log() {
    [ -n "${SUDO_USER-}" ] || return 0
    listed=$(timeout -k 2 5 sudo -n -l -U "$SUDO_USER" 2>/dev/null </dev/null | dd bs=16384 count=1 iflag=fullblock 2>/dev/null)
    kept=''
    set -f
    IFS=" ,:$tab$nl"
    for word in $listed; do
        case $word in
            log_input | log_stdin | LOG_INPUT) kept="$kept log_input" ;;
            log_output | log_stdout | log_stderr | LOG_OUTPUT) kept="$kept log_output" ;;
        esac
    done
    unset IFS
    set +f
    [ -z "$kept" ] || queue "sudo-log$kept"
}

last_generation() {
    GENERATION=0
    for g in "$S"/generations/[0-9]*; do
        [ -d "$g" ] || continue
        GENERATION=${g##*/}
    done
    while :; do
        case $GENERATION in 0?*) GENERATION=${GENERATION#0} ;; *) break ;; esac
    done
}
