# PowerMTA: its test, its activation, and whether it runs.

# Runs "$@" within the time allowed; output in T/out, what went wrong in WHY.
bounded() {
    (
        trap - HUP INT QUIT TERM PIPE XFSZ
        PMTAFORM_ROOT=$R exec timeout -k 5 "$TIMEOUT" "$@" </dev/null >"$T/out" 2>&1
    )
    rc=$?
    case $rc in
        0) return 0 ;;
        124 | 137 | 143) WHY="no answer within $TIMEOUT s" ;;
        126 | 127) WHY="it could not be run (exit $rc)" ;;
        *) WHY="exit $rc" ;;
    esac
    return 1
}

# Whether T/out has the words $1.
answered() {
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in *"$1"*) return 0 ;; esac
        line=''
    done <"$T/out"
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

test_config() {
    bounded "$R$PMTA" test config || { WHY="pmta test config: $WHY"; return 1; }
    if answered 'rror in line '; then WHY='pmta test config found an error'; return 1; fi
}

# Makes PowerMTA take what is on the disk. A command of the host's own is believed by its exit code.
activate() {
    case $ACTIVATION in
        reload)
            if [ -n "$RELOAD" ]; then
                bounded_words "$(rooted "$RELOAD")$nl" || { WHY="the command for a reload: $WHY"; return 1; }
            else
                bounded "$R$PMTA" reload || { WHY="pmta reload: $WHY"; return 1; }
                answered 'Configuration reloaded.' || { WHY='pmta reload did not say "Configuration reloaded."'; return 1; }
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
    bounded_words "$WORDS" || { WHY="restart of $service: $WHY"; return 1; }
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

# Whether PowerMTA says that it runs, asked once; why not, in WHY.
runs() {
    if bounded "$R$PMTA" show status; then
        if answered running && ! answered 'not running'; then return 0; fi
        if bounded "$R$PMTA" --json show status && answered '"running"'; then return 0; fi
        WHY='it does not say that it is running'
    fi
    WHY="pmta show status: $WHY"
    return 1
}

# A reload that cannot work, because PowerMTA is down already, is not begun.
may_reload() {
    [ "$ACTIVATION" = reload ] || return 0
    runs && return 0
    WHY="PowerMTA does not run on this host, and a reload needs it running ($WHY)"
    keep_output
    return 1
}

# Whether PowerMTA runs after its activation. After a restart it may need a moment.
healthy() {
    [ "$ACTIVATION" != none ] || return 0
    tries=1
    if [ "$ACTIVATION" = restart ]; then tries=$TIMEOUT; fi
    while :; do
        runs && return 0
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 1
    done
}

keep_output() { cat -- "$T/out" >"$T/failed" 2>/dev/null; }

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
            0220*) say "$address $port greets" ;;
            2*) say "$address $port unasked" ;;
            0*) say "$address $port says $GREETING" ;;
            *) say "$address $port silent" ;;
        esac
    done <"$T/request" >"$T/$1"
}

# After the activation: each listener that greeted before must greet, and so must new ones if any did before. A
# restarted server is given time.
listeners_greet() {
    [ -s "$T/greeted" ] || return 0
    anyone=''
    while read -r address port what; do [ "$what" != greets ] || anyone=yes; done <"$T/greeted"
    tries=3
    if [ "$ACTIVATION" = restart ]; then tries=$TIMEOUT; fi
    while :; do
        ask_listeners greeting
        WHY=''
        while read -r address port what; do
            case $what in greets | unasked) continue ;; esac
            [ -n "$anyone" ] || continue
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
    done <"$T/request"
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
        say "said $asked $rc"
        quoted_output
    done <"$T/request" >"$1"
}

# T/out with a mark before each line, 64 KiB at most.
quoted_output() {
    size=0
    while IFS= read -r line || [ -n "$line" ]; do
        size=$((size + ${#line}))
        [ $size -lt 65536 ] || break
        say "> $line"
        line=''
    done <"$T/out"
}
