# Serves requests: which one, and where its end is.

# Removes, at the end of the connection, what it staged and no client has committed: else a key would stay beside its
# place until the next command. There is no record of it: a client that sends it again starts anew.
clear_staged() {
    while [ -n "$LAID" ]; do
        T=${LAID%%"$nl"*} LAID=${LAID#*"$nl"}
        (
            trap '' HUP INT QUIT TERM PIPE XFSZ
            identify_self
            clear_one_staged
        ) </dev/null >/dev/null 2>&1
    done
}

# One request: what is asked for, and where its end must be.
serve() {
    IFS= read -r OP || { clear_staged; exit 64; }
    queue "$nl$NONCE begin"
    [ "$OP" = probe ] || send_queued
    UNREAD=mark
    case $OP in
        probe) settings && probe_host ;;
        apply | recover) start ;;
        commit | confirm | revert)
            continue_waiting
            [ "$LOOK" != yes ] || probe_host
            ;;
        result) settings && { ! is_ours || result; } ;;
        examine) examine ;;
        generations) settings && generations ;;
        left) settings && print_left ;;
        copies) settings && copies ;;
        results) settings && results ;;
        release) settings && { ! is_ours || release; } ;;
    esac
    case $UNREAD in mark) IFS= read -r line && [ "$line" = "$NONCE" ] && UNREAD='' ;; esac
    if [ -n "$UNREAD" ]; then
        # The rest of this request cannot be distinguished from the next one, so another process must serve that.
        queue "$nl$NONCE last"
        send_queued
        clear_staged
        exit 0
    fi
    # Nothing of it is kept while this waits, and a signal ends it again.
    reset_request
    queue "$nl$NONCE end"
    send_queued
}

main() {
    LAID='' NS='' RUN_BY='' OP='' QUEUED=''
    reset_request
    case ${1-} in
        --expire | --rehearse)
            T=$2 S=${2%/tx/*} ID=${2##*/}
            identify_self
            load "$T/request" || exit 0
            if [ "$1" = --expire ]; then expire; else rehearsal "$3"; fi
            ;;
        *)
            for word; do RUN_BY=$RUN_BY$word$nl; done
            answer_all
            ;;
    esac
}

# Serves requests as long as there are any, each after its own mark. `more N SEAL`: N bytes of the program that the next
# needs, between two lines of that seal. All else is no request: the input is not what the client sent, and is not used.
answer_all() {
    while IFS= read -r NONCE; do
        case $NONCE in
            more\ *)
                NONCE=${NONCE#more }
                SEAL=${NONCE#* } LENGTH=${NONCE%% *}
                is_number "$LENGTH" || end_garbled
                MORE=$(dd bs="$LENGTH" count=1 iflag=fullblock 2>/dev/null)
                case ${#MORE}$MORE in "$((LENGTH - 1))$SEAL"*"$SEAL") ;; *) end_garbled ;; esac
                PROGRAM=$PROGRAM$nl$MORE
                eval "$MORE"
                ;;
            '' | *[!0-9a-f]*) end_garbled ;;
            *) serve ;;
        esac
    done
    clear_staged
}

end_garbled() {
    clear_staged
    emit 'pmtaform: what arrived on standard input is not what was sent' >&2
    exit 76
}
