# PowerMTA: its test, its activation, and whether it runs.

# Runs "$@" within the time allowed; output in T/out, what went wrong in WHY.
bounded() {
    (
        trap - HUP INT QUIT TERM PIPE XFSZ
        cd /
        # Endless output must not fill the disk. A command that starts a daemon has no limit: the daemon would inherit it.
        [ "$1" != "$R$PMTA" ] || ulimit -f 2048
        PMTAFORM_ROOT=$R exec timeout -k 5 "$TIMEOUT" "$@" </dev/null >"$T/out" 2>&1
    )
    rc=$?
    case $rc in
        0) return 0 ;;
        124 | 137 | 143) WHY="no answer within $TIMEOUT s" ;;
        153) WHY='it printed more than a megabyte' ;;
        126 | 127) WHY="it could not be run (exit $rc)" ;;
        *) WHY="exit $rc" ;;
    esac
    return 1
}

# Runs the words $1, one a line, as `bounded`.
bounded_words() {
    rest=$1
    set --
    while [ -n "$rest" ]; do
        set -- "$@" "${rest%%"$nl"*}"
        rest=${rest#*"$nl"}
    done
    bounded "$@"
}

# -- what an answer means

# Judges what `bounded` has just run as the command $1 (its key), named $2 for people: 0 yes, 1 no (why in WHY), 2 unsure
# (what was answered in SEEN). The texts that are known came with the request, and the table is in pmtaform/expect.py.
judge() {
    [ "$rc" = 0 ] || { WHY="$2: $WHY"; return 1; }
    read_output
    if has_known_text failure "$1"; then WHY="$2 ended with 0, but answered: $SEEN"; return 1; fi
    if has_known_text success "$1"; then return 0; fi
    [ "$1$SEEN" = test-confignothing ] || return 2
}

# What T/out holds in SAID, as texts are compared (runs of blanks are one space, letters small, a line each), and its
# first lines for people in SEEN. A short answer is read by this shell: that saves five processes for each command.
read_output() {
    read_short_output || read_long_output
    SEEN='' count=0
    while [ $count -lt 3 ] && { IFS= read -r line || [ -n "$line" ]; }; do
        case $line in *[!\ $tab]*) ;; *) line=''; continue ;; esac
        [ ${#line} -le 100 ] || line="$(printf '%.100s' "$line") ..."
        SEEN=${SEEN:+"$SEEN / "}$line count=$((count + 1)) line=''
    done <"$T/$SHOWN"
    case $SAID in
        *[!\ $nl]*) SEEN="\"$SEEN\"" ;;
        *) SEEN='nothing' ;;
    esac
}

# T/out in SAID, if it is short and has only printable characters, tabs and line ends.
read_short_output() {
    SAID='' SHOWN=out
    while IFS= read -r line || [ -n "$line" ]; do
        SAID=$SAID$line$nl line=''
        [ ${#SAID} -le 1000 ] || return 1
    done <"$T/out"
    case $SAID in *[!$tab$nl\ -~]*) return 1 ;; esac
    replace_each "$tab" ' '
    replace_each '  ' ' '
    case $SAID in *[A-Z]*) ;; *) return 0 ;; esac
    for pair in Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll Mm Nn Oo Pp Qq Rr Ss Tt Uu Vv Ww Xx Yy Zz; do
        replace_each "${pair%?}" "${pair#?}"
    done
}

# Replaces every $1 in SAID with $2, until there is none.
replace_each() {
    while :; do
        case $SAID in *"$1"*) SAID=${SAID%%"$1"*}$2${SAID#*"$1"} ;; *) return 0 ;; esac
    done
}

read_long_output() {
    SHOWN=said
    dd if="$T/out" of="$T/said" bs=65536 count=1 iflag=fullblock 2>/dev/null
    SAID=$(tr -s '\000\t\r ' '    ' <"$T/said" | tr '[:upper:]' '[:lower:]')
}

# Whether a text that means $1 (success or failure) of the command $2 is in SAID.
has_known_text() {
    rest=$nl$TEXTS
    while :; do
        case $rest in *"$nl$1 $2 "*) rest=${rest#*"$nl$1 $2 "} ;; *) return 1 ;; esac
        text=${rest%%"$nl"*} rest=$nl${rest#*"$nl"}
        case $SAID in *"$text"*) return 0 ;; esac
    done
}

# Notes for the client that the answer of the command $1 is neither yes nor no, and whether the new or the old files were
# in place.
note_doubt() { printf '%s\n' "doubt $1$tab${UNDOING:-new}$tab$SEEN" >>"$T/doubts"; }

test_config() {
    bounded "$R$PMTA" test config
    judge test-config 'pmta test config'
    case $? in 1) return 1 ;; 2) note_doubt test-config ;; esac
}

# Has PowerMTA load the files. The exit code of the host's own command counts, unless it prints a known text of failure.
activate() {
    case $ACTIVATION in
        reload)
            if [ -n "$RELOAD" ]; then
                bounded_words "$(rooted "$RELOAD")$nl"
                judge reload 'the command for a reload'
                [ $? != 1 ]
            else
                bounded "$R$PMTA" reload
                judge reload 'pmta reload'
                case $? in 1) return 1 ;; 2) note_doubt reload && keep_output ;; esac
            fi
            ;;
        restart) restart pmta || return 1 ;;
    esac
}

activate_web() { [ "$WEB" != yes ] || restart pmtahttp; }

# The words $1 with the program, if it is named by a whole path, below the host's root.
rooted() { case $1 in /*) printf '%s' "$R$1" ;; *) printf '%s' "$1" ;; esac; }

# Restarts the service $1.
restart() {
    service=$1
    restart_words "$1" || { WHY="no way to restart $1 was found"; return 1; }
    bounded_words "$WORDS"
    judge reload "restart of $service"
    [ $? != 1 ]
}

# What restarts the service $1 in WORDS, one word a line: as given, or what this machine has. A folder that stands
# for a machine never has this machine's services restarted.
restart_words() {
    WORDS=''
    case $1 in
        pmta) WORDS=$RESTART ;;
        pmtahttp) WORDS=$RESTART_WEB ;;
    esac
    if [ -n "$WORDS" ]; then
        WORDS=$(rooted "$WORDS")$nl
    elif [ -z "$R" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
        WORDS="systemctl${nl}restart${nl}$1$nl"
    elif [ -x "$R/etc/init.d/$1" ]; then
        WORDS="$R/etc/init.d/$1${nl}restart$nl"
    elif [ -x "$R/etc/rc.d/init.d/$1" ]; then
        WORDS="$R/etc/rc.d/init.d/$1${nl}restart$nl"
    elif [ -z "$R" ] && command -v service >/dev/null 2>&1; then
        WORDS="service${nl}$1${nl}restart$nl"
    else
        return 1
    fi
}

# Whether PowerMTA reports that it runs, asked once: 0 yes, 1 no (why in WHY), 2 unsure (SEEN). If the text is unknown,
# the forms for programs are tried; a version may have only one of them, so their failure is no answer.
pmta_runs() {
    bounded "$R$PMTA" show status
    judge status 'pmta show status'
    answer=$? first_seen=$SEEN
    case $answer$rc in
        0*) return 0 ;;
        10) WHY="$WHY, so it is not running"; return 1 ;;
        1*) return 1 ;;
    esac
    for form in --json --xml; do
        if bounded "$R$PMTA" $form show status; then
            judge status "pmta $form show status"
            answer=$?
            [ "$answer" = 2 ] || return "$answer"
        fi
    done
    SEEN=$first_seen
    return 2
}

# Whether a reload can work: not where PowerMTA is down already. Where that is unknown, the reload shows it.
can_reload() {
    [ "$ACTIVATION" = reload ] || return 0
    pmta_runs
    [ $? = 1 ] || return 0
    WHY="PowerMTA is not running on this host, and a reload needs it ($WHY)"
    keep_output
    return 1
}

# Whether PowerMTA runs after its activation. After a restart it may need a moment.
wait_healthy() {
    [ "$ACTIVATION" != none ] || return 0
    tries=1
    if [ "$ACTIVATION" = restart ]; then tries=$TIMEOUT; fi
    while :; do
        pmta_runs
        answer=$?
        [ "$answer" != 0 ] || return 0
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || break
        sleep 1
    done
    [ "$answer" = 2 ] || return 1
    note_doubt status
    [ -s "$T/failed" ] || keep_output
}

# -- what PowerMTA wrote down

# Notes how long the logs are that the request names, and the file for startup errors beside each, before an activation.
mark_logs() {
    rest=$LOGS logs=$nl
    true >"$T/logs" || return 1
    while [ -n "$rest" ]; do
        log=${rest%%"$nl"*} rest=${rest#*"$nl"}
        for file in "$log" "${log%/*}/pmta-startuperr.log"; do
            case $logs in *"$nl$file$nl"*) continue ;; esac
            logs=$logs$file$nl
            size=$(stat -c %s -- "$R$file" 2>/dev/null) || size=0
            emit "$size $file" >>"$T/logs"
        done
    done
}

# Adds to the record what was written into them since: startup errors, and log lines about errors or the configuration;
# the last five lines each. A link is not followed: its target may be confidential.
show_logs() {
    [ -f "$T/logs" ] || return 0
    while read -r size file; do
        [ -f "$R$file" ] && [ ! -L "$R$file" ] || continue
        now_size=$(stat -c %s -- "$R$file" 2>/dev/null) || continue
        [ "$now_size" != "$size" ] || continue
        [ "$now_size" -gt "$size" ] || size=0 # it was started anew
        lines=$(show_file "$file" tail -c +$((size + 1)) 2>/dev/null | tail -c 65536 | worth_showing "$file" | tail -n 5)
        [ -z "$lines" ] || printf '%s\n' "$file:" "$lines"
    done <"$T/logs" >>"$T/failed"
}

# What "$@" after $1 makes of the file $1, which no link leads to: what was opened is looked at, and then read.
show_file() (
    go_into "${1%/*}" || exit 1
    name=./${1##*/}
    shift
    { is_open "$name" && "$@" <&4; } 4<"$name"
)

# Of the lines of the file $1 those that are worth being shown.
worth_showing() {
    case $1 in */pmta-startuperr.log) cat; return ;; esac
    while IFS= read -r line; do
        case $line in *rror* | *onfiguration*) printf '%s\n' "$line" ;; esac
    done
}

keep_output() {
    cat -- "$T/out" >"$T/failed" 2>/dev/null
    show_logs
}

# -- listeners and questions

# What greets at the address $1, port $2 in GREETING, within $3 seconds. 0 it connects, 1 it does not, 2 this host has
# nothing to ask with: neither bash, which can by itself, nor nc.
greeting() {
    GREETING=''
    if command -v bash >/dev/null 2>&1; then
        # shellcheck disable=SC2016  # for bash to expand
        GREETING=$(
            timeout -k 1 "$3" bash -c \
                'exec 3<>"/dev/tcp/$1/$2" && { echo open; IFS= read -r -t "$3" line <&3; printf "%s\n" "${line%?}"; printf "QUIT\r\n" >&3; }' \
                greeting "$1" "$2" "$3" </dev/null 2>/dev/null
        )
    elif command -v nc >/dev/null 2>&1; then
        GREETING=$({ sleep "$3"; } | timeout -k 1 "$3" nc "$1" "$2" 2>/dev/null | { IFS= read -r line && echo open && printf '%s\n' "${line%?}"; })
    else
        return 2
    fi
    case $GREETING in open*) GREETING=${GREETING#open} GREETING=${GREETING#"$nl"} ;; *) return 1 ;; esac
}

# Asks each listener of the request for its greeting; those that say 220 are noted in the file T/$1, one a line.
ask_listeners() {
    [ -n "$LISTENS" ] || return 0
    while IFS=$tab read -r word address port rest; do
        [ "$word" = listener ] || continue
        greeting "$address" "$port" 5
        case $?$GREETING in
            0220*) emit "$address $port greets" ;;
            2*) emit "$address $port unasked" ;;
            0*) emit "$address $port says $GREETING" ;;
            *) emit "$address $port silent" ;;
        esac
    done <"$T/lines" >"$T/$1"
}

# After the activation: each listener that greeted before must greet, and so must new ones if any did before. A
# restarted server is given time.
listeners_greet() {
    [ -s "$T/greeted" ] || return 0
    anyone=''
    while read -r address port what; do [ "$what" != greets ] || anyone=yes; done <"$T/greeted"
    [ -n "$anyone" ] || return 0
    tries=3
    if [ "$ACTIVATION" = restart ]; then tries=$TIMEOUT; fi
    while :; do
        ask_listeners greeting
        WHY=''
        while read -r address port what; do
            case $what in greets | unasked) continue ;; esac
            case $nl$(cat -- "$T/greeted")$nl in
                *"$nl$address $port greets$nl"*) ;;
                *) is_new "$address" "$port" || continue ;;
            esac
            WHY="the listener $address:$port does not greet with 220 (${what#says })"
        done <"$T/greeting"
        [ -n "$WHY" ] || return 0
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 1
    done
}

# Whether the listener $1:$2 is one that the change adds.
is_new() {
    while IFS=$tab read -r word address2 port2 rest; do
        if [ "$word $address2 $port2 $rest" = "listener $1 $2 new" ]; then return 0; fi
    done <"$T/lines"
    return 1
}

# Puts the questions of the request to PowerMTA; what it says goes into the file $1: "said N EXIT", then its lines.
ask_questions() {
    asked=0
    while IFS=$tab read -r word rest; do
        [ "$word" = ask ] || continue
        asked=$((asked + 1))
        words=''
        while [ -n "$rest" ]; do
            words=$words${rest%%"$tab"*}$nl
            case $rest in *"$tab"*) rest=${rest#*"$tab"} ;; *) rest='' ;; esac
        done
        bounded_words "$R$PMTA$nl$words"
        emit "said $asked $rc"
        quoted_output
    done <"$T/lines" >"$1"
}

# T/out with a mark before each line, 64 KiB at most.
quoted_output() {
    size=0
    while IFS= read -r line || [ -n "$line" ]; do
        size=$((size + ${#line}))
        [ $size -lt 65536 ] || break
        emit "> $line"
        line=''
    done <"$T/out"
}
