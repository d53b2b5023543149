# The files of a transaction: what may be touched, staged, backed up, put in place, put back.

# Live files must still be what was planned from; the first that is not, in WHY.
compare() {
    pattern='' expected='' WANTS='' LISTENS=''
    set --
    while IFS=$tab read -r word first second; do
        case $word in
            expect)
                may_be "$first" "$second" || return 1
                [ "$first" = - ] || set -- "$@" "$R$second"
                [ $# -lt 100 ] || { all_are "$@" || return 1; set --; }
                ;;
            listener) LISTENS=yes ;;
            pattern) pattern=$first expected='' ;;
            match) expected=$expected$first$nl ;;
            matched)
                expand "$pattern"
                [ "$MATCHES" = "$expected" ] || { WHY="$pattern names other files than when the change was planned"; return 1; }
                ;;
        esac
    done <"$T/request"
    all_are "$@"
}

# The same of the files that are to be changed, and that what is staged for them is still that. Before they are backed up
# that is done with what is kept.
compare_changed() {
    WANTS=''
    set --
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        if [ "$action" = write ]; then
            beside "$path"
            set -- "$@" "$NEW"
            WANTS=$WANTS$new$nl
        fi
        if [ "$expected" != '?' ]; then
            may_be "$expected" "$path" || return 1
            [ "$expected" = - ] || set -- "$@" "$R$path"
        fi
        [ $# -lt 100 ] || { all_are "$@" || return 1; set --; }
    done <"$T/plan"
    all_are "$@"
}

# Whether the file $2 can have the digest $1, as far as that is seen without reading it; - is that of a file that is not
# there. The digests of those that are there are added to WANTS, a line each.
may_be() {
    if [ -L "$R$2" ] || { [ -e "$R$2" ] && [ ! -f "$R$2" ]; }; then
        moved "$2"
        return 1
    elif [ ! -e "$R$2" ]; then
        [ "$1" = - ] || { moved "$2"; return 1; }
    else
        [ "$1" != - ] || { moved "$2"; return 1; }
        WANTS=$WANTS$1$nl
    fi
}

# Whether the files "$@" have the digests in WANTS.
all_are() {
    digests "$@"
    for file; do
        [ "${SUMS%%"$nl"*}" = "${WANTS%%"$nl"*}" ] || { moved "${file#"$R"}"; return 1; }
        SUMS=${SUMS#*"$nl"} WANTS=${WANTS#*"$nl"}
    done
}

# Says so of the file $1; what lies beside one is that one, or was.
moved() {
    WHY="$1 is not what it was when the change was planned"
    case $1 in
        *".pmtaform-$ID"*)
            WHY=${1##*/.}
            WHY="${1%/*}/${WHY%".pmtaform-$ID"*} was written into by somebody else meanwhile"
            ;;
    esac
}

# Whether a transaction may touch the path $1; why not, in WHY.
permitted() {
    case $1 in
        /*) ;;
        *) WHY="$1 is not absolute"; return 1 ;;
    esac
    case $1/ in
        *//* | */./* | */../*) WHY="$1 is not a plain path"; return 1 ;;
    esac
    is_allowed "${1%/*}" || { WHY="$1 is not below an allowed path"; return 1; }
    if linked "$1"; then WHY="$L is a symbolic link"; return 1; fi
    if [ -d "$R$1" ]; then WHY="$1 is a folder"; return 1; fi
    if [ -e "$R$1" ] && [ ! -f "$R$1" ]; then WHY="$1 is not a regular file"; return 1; fi
}

# Plans every file: what is there, what it will be. T/plan has one line a file.
survey() {
    [ "$ACTIVATION" = none ] || [ -x "$R$PMTA" ] || { WHY="there is no $PMTA on this host"; return 1; }
    [ "$ACTIVATION" != restart ] || restart_words pmta || { WHY='no way to restart PowerMTA was found'; return 1; }
    [ "$WEB" != yes ] || restart_words pmtahttp || { WHY='no way to restart the web monitor (pmtahttp) was found'; return 1; }
    forwards='' backwards=''
    while IFS=$tab read -r action n kind mode owner group new src expected path; do
        case $action in write | remove) ;; *) continue ;; esac
        permitted "$path" || return 1
        had=0 omode=- oowner=- ogroup=-
        if [ -e "$R$path" ]; then
            had=1
            found=$(stat -c "%h$tab%a$tab%U$tab%G$tab%u$tab%g" -- "$R$path" 2>/dev/null) \
                || { WHY="$path cannot be looked at"; return 1; }
            split_owner "${found#*"$tab"}"
            # Its other names stay with the old file.
            [ "${found%%"$tab"*}" -lt 2 ] || say "names ${found%%"$tab"*} $path" >>"$T/names"
            omode=$F_MODE oowner=$F_OWNER ogroup=$F_GROUP
        fi
        [ "$mode" != - ] || mode=$omode
        [ "$owner" != - ] || owner=$oowner
        [ "$group" != - ] || group=$ogroup
        case $src in
            kept/*)
                [ -f "$S/generations/${src#kept/}" ] || { WHY="the kept copy of $path is gone"; return 1; }
                digest "$S/generations/${src#kept/}"
                new=$D
                ;;
        esac
        if [ "$mode" = - ]; then case $kind in key) mode=600 ;; *) mode=640 ;; esac; fi
        if [ "$owner" = - ] || [ "$group" = - ]; then
            default_owner
            folder_owner "${path%/*}"
            [ "$owner" != - ] || owner=${POWERMTA_OWNER:-$F_OWNER}
            [ "$group" != - ] || group=${POWERMTA_GROUP:-$F_GROUP}
        fi
        line=$n$tab$kind$tab$action$tab$had$tab$omode$tab$oowner$tab$ogroup$tab$mode$tab$owner$tab$group$tab$new$tab$src$tab$expected$tab$path
        forwards=$forwards$line$nl backwards=$line$nl$backwards
    done <"$T/request"
    # Nothing is laid beside a file before both are whole.
    printf '%s' "$backwards" >"$T/plan.back" && printf '%s' "$forwards" >"$T/plan" || { WHY='the disk is full'; return 1; }
    flush_all "$T/request" "$T/owner" "$T/plan" "$T/plan.back" "$T"
}

# Whether "$@" are on the disk now: it says only then whether all of it could be written.
flush_all() {
    sync -- "$@" 2>"$T/failed" && return
    # What it cannot open, or an old one that takes no names, is flushed with all else.
    case $(cat -- "$T/failed") in
        *syncing* | *fsync*) WHY='the disk does not take what was written'; return 1 ;;
    esac
    sync 2>/dev/null || :
}

# PowerMTA's own user, looked up once, on a machine of its own.
default_owner() {
    [ -z "${POWERMTA_OWNER+known}" ] || return 0
    POWERMTA_OWNER='' POWERMTA_GROUP=''
    if [ -z "$R" ] && briefly id -u pmta >/dev/null 2>&1; then
        POWERMTA_OWNER=pmta POWERMTA_GROUP=$(briefly id -gn pmta)
    fi
}

# "mode owner group uid gid" (tabs) into F_*; numbers where there is no name.
split_owner() {
    F_MODE=${1%%"$tab"*} F_OWNER=${1#*"$tab"}
    F_GROUP=${F_OWNER#*"$tab"} F_OWNER=${F_OWNER%%"$tab"*}
    F_IDS=${F_GROUP#*"$tab"} F_GROUP=${F_GROUP%%"$tab"*}
    [ "$F_OWNER" != UNKNOWN ] || F_OWNER=${F_IDS%%"$tab"*}
    [ "$F_GROUP" != UNKNOWN ] || F_GROUP=${F_IDS#*"$tab"}
}

# Owner, group and mode of the folder $1, or of the nearest above it that exists.
folder_owner() {
    folder=$1
    while [ -n "$folder" ] && [ ! -d "$R$folder" ]; do folder=${folder%/*}; done
    split_owner "$(stat -c "%a$tab%U$tab%G$tab%u$tab%g" -- "$R$folder/" 2>/dev/null)"
}

# Makes the missing folders of $1, below (or as) an allowed folder only, owned like the one above.
make_folders() {
    [ ! -d "$R$1" ] || return 0
    is_allowed "$1" || { WHY="the folder $1 does not exist"; return 1; }
    make_folders "${1%/*}" || return 1
    say "$1" >>"$T/dirs"
    make_folder "$1" || { WHY=${BLOCKED:-"the folder $1 could not be made"}; return 1; }
}

# Makes the folder $1 in one beside its place that nobody else may enter, gives it away there, and moves it to its place:
# who owns the folder above could make a link of it at any moment, and what the link leads to would be given away.
make_folder() {
    go_into "${1%/*}" || return 1
    BLOCKED='' NEW=.${1##*/}.pmtaform-$ID
    mkdir -- "./$NEW" 2>"$T/failed" || return 1
    point "folder.$n"
    go_into "${1%/*}/$NEW" || return 1
    BLOCKED=''
    found=$(stat -c "%a$tab%U$tab%G$tab%u$tab%g" -- . .. 2>"$T/failed")
    case ${found%%"$tab"*} in 700 | ?700) ;; *) return 1 ;; esac
    [ -O . ] || return 1
    split_owner "${found#*"$nl"}"
    install -d -m "$F_MODE" -o "$F_OWNER" -g "$F_GROUP" -- ./made 2>"$T/failed" \
        || { BLOCKED="the folder $1 could not be made $F_OWNER:$F_GROUP"; return 1; }
    mv -fT -- ./made "../${1##*/}" 2>"$T/failed" && rmdir -- "../$NEW" 2>"$T/failed" || return 1
    point "folder:after.$n"
}

# Whether there is a planned file with the action $1 and kind $2 (or "any").
planned() {
    if [ -z "$KINDS" ]; then
        while read -r n kind action rest; do
            case "$KINDS " in *" $action$kind "*) ;; *) KINDS="$KINDS $action$kind" ;; esac
        done <"$T/plan"
    fi
    case "$KINDS " in *" $1${2#any}"*) ;; *) return 1 ;; esac
}

# Calls $4 for each planned file with the action $2 and kind $3 (or "any"), journalled as the step $1.
each() {
    planned "$2" "$3" || return 0
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        [ "$action" = "$2" ] && { [ "$3" = any ] || [ "$kind" = "$3" ]; } || continue
        at "$1" "$n" || return 1
        "$4" || return 1
        past "$1" "$n" || return 1
    done <"$T/plan"
}

# Gives the contents of new files their owners and modes where nobody else comes: what is laid beside a file's place has
# both from there.
dress() {
    STEP=stage as=''
    set --
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        [ "$action$had" = write0 ] || continue
        case $src in kept/*) continue ;; esac
        if [ "$as" != "$mode:$owner:$group" ] || [ $# -ge 100 ]; then
            dress_as "$@" || return 1
            set -- "$path" "$mode" "$owner" "$group"
            as=$mode:$owner:$group
        fi
        set -- "$@" "$T/blob.$n"
    done <"$T/plan"
    dress_as "$@"
}

# The first path, mode, owner and group; then the files.
dress_as() {
    [ $# -gt 0 ] || return 0
    first=$1 modes=$2 owners=$3 groups=$4
    shift 4
    install -m "$modes" -o "$owners" -g "$groups" -- "$@" "$T/ready" 2>"$T/failed" && return
    path=$first mode=$modes owner=$owners group=$groups
    why_not_dressed
    return 1
}

# Why the file `path` could not be given its owner or mode, as the program said that failed.
why_not_dressed() {
    told=''
    read -r told <"$T/failed"
    case ${told#*: } in
        *"change ownership "* | "changing ownership "* | *": Operation not permitted" \
            | "invalid user"* | "invalid group"* | "unknown user"* | "unknown group"*)
            WHY="$path cannot be given to $owner:$group"
            [ "$(id -u)" = 0 ] || WHY="$WHY by $(id -un); this needs sudo"
            ;;
        *"change permissions "* | "changing permissions "*) WHY="$path cannot have the mode $mode" ;;
        *) WHY="$path could not be written" ;;
    esac
}

# Writes the new content beside its target. The file is open as 4 all the while: somebody may have made a link of its name.
stage() {
    make_folders "${path%/*}" && within || return 1
    WHY="$path: nothing can be written in its folder"
    set -C
    { set +C; point "fill.$n"; fill; } 2>/dev/null 4>"$NEW"
    filled=$?
    set +C
    return $filled
}

# A file that is there keeps all that it is but its content: access control lists, extended attributes, its label.
fill() {
    WHY="$path could not be written" from=$T/blob.$n
    case $src in kept/*) from=$S/generations/${src#kept/} ;; esac
    if [ -f "$T/ready/blob.$n" ]; then
        cp -p -- "$T/ready/blob.$n" /proc/self/fd/4 2>"$T/failed"
        return
    fi
    was=''
    if [ "$had" = 1 ]; then
        if cp -P --attributes-only --preserve=mode,ownership,xattr -- "$FILE" /proc/self/fd/4 2>"$T/failed"; then
            was=$omode:$oowner:$ogroup
        elif has_more; then
            WHY="$path has an access control list, extended attributes or a label, which the tools of this host do not keep"
            return 1
        fi
        if [ "$mode" != "$omode" ] && has_list; then
            WHY="$path has an access control list, whose mask is the middle digit of a mode: $mode would change what it grants"
            WHY="$WHY; leave the mode out of the stack, or change the list with setfacl"
            return 1
        fi
    fi
    # Where this is not root nobody says whether the owner could be kept.
    { [ "${was#*:}" = "$owner:$group" ] && [ -O / ]; } || chown -- "$owner:$group" /proc/self/fd/4 2>"$T/failed" \
        || { why_not_dressed; return 1; }
    [ "${was%%:*}" = "$mode" ] || chmod -- "$mode" /proc/self/fd/4 2>"$T/failed" || { why_not_dressed; return 1; }
    cat -- "$from" 2>"$T/failed" >&4
}

has_list() { case $(ls -ld -- "$FILE" 2>/dev/null) in ??????????+*) ;; *) return 1 ;; esac; }

# Whether the file has more than owner, group and mode, as far as the tools of this host tell.
has_more() {
    case $(ls -ld -- "$FILE" 2>/dev/null) in ??????????[+.@]*) return 0 ;; esac
    [ -n "$(getfattr -m - -- "$FILE" 2>/dev/null)" ]
}

# Keeps what is there: a link beside the target that a rename puts back, and a copy for the generation.
back_up() {
    [ "$had" = 1 ] || return 0
    within || return 1
    if ! ln -T -- "$FILE" "$OLD" 2>"$T/failed"; then
        true >"$T/copied.$n"
        set -C
        { set +C; copy_all; } 2>/dev/null 4>"$OLD"
        copied=$?
        set +C
        [ "$copied" = 0 ] || { WHY="$path could not be backed up"; return 1; }
    fi
    point "keep-old.$n"
    { [ -f "$OLD" ] && { is_open "$OLD" && cat <&4 2>"$T/failed" >"$T/gen/$n"; } 2>/dev/null 4<"$OLD"; } \
        || { WHY="$path could not be backed up"; return 1; }
}

# The file with all that it is into what is open as 4.
copy_all() {
    cp -P --preserve=mode,ownership,timestamps,xattr -- "$FILE" /proc/self/fd/4 2>"$T/failed" && return
    ! has_more && cp -Pp -- "$FILE" /proc/self/fd/4 2>"$T/failed"
}

# Keeps what the host will have of its configuration, one file after the other, as the record of it names them: by that
# it can be told value by value what somebody changes later.
keep_base() {
    [ -f "$T/gen/left" ] || return 0
    true >"$T/gen/base"
    set --
    while IFS=$tab read -r word which path; do
        [ "$word" = base ] || continue
        beside "$path"
        if [ "$which" = new ]; then file=$NEW; else file=$R$path; fi
        [ -f "$file" ] || return 1 # a pipe would be waited for
        set -- "$@" "$file"
        if [ $# -ge 100 ]; then cat -- "$@" >>"$T/gen/base" || return 1; set --; fi
    done 2>"$T/failed" <"$T/request"
    [ $# = 0 ] || cat -- "$@" 2>"$T/failed" >>"$T/gen/base"
}

# Whether everything that was staged arrived whole, and what is kept is what the change was planned from: it is what
# would be put back. Then it can be written down what the generation is.
prove() {
    sums=''
    set --
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        beside "$path"
        [ "$action" != write ] || set -- "$@" "$NEW"
        [ "$had" = 0 ] || set -- "$@" "$T/gen/$n"
        [ $# -lt 100 ] || { digests "$@"; sums=$sums$SUMS; set --; }
    done <"$T/plan"
    digests "$@"
    sums=$sums$SUMS
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        if [ "$action" = write ]; then
            next_sum
            [ "$D" = "$new" ] || { WHY="$path did not arrive whole"; return 1; }
        fi
        D=-
        [ "$had" = 0 ] || next_sum
        case $expected in
            '?' | "$D") ;;
            *) moved "$path"; STALE=stale; return 1 ;;
        esac
        [ -n "$D" ] && say "$n$tab$kind$tab$action$tab$D$tab$omode$tab$oowner$tab$ogroup$tab$new$tab$path" >>"$T/gen/manifest" \
            || { WHY="$path could not be backed up"; return 1; }
    done <"$T/plan"
    true >>"$T/gen/manifest" # a record may be made without a change
    true >"$T/failed"
}

# Takes the next of `sums` into D.
next_sum() { D=${sums%%"$nl"*} sums=${sums#*"$nl"}; }

# Everything that is needed to go on or back, on the disk.
flush_staged() {
    set -- "$T/gen/info" "$T/gen/manifest" "$T/gen" "$T/marks" "$T"
    for f in "$T/dirs" "$T/gen/left" "$T/gen/base"; do [ ! -e "$f" ] || set -- "$@" "$f"; done
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        beside "$path"
        [ "$action" != write ] || set -- "$@" "$NEW"
        [ "$had" = 0 ] || set -- "$@" "$T/gen/$n"
        [ ! -d "$DIR" ] || set -- "$@" "$DIR"
        [ $# -lt 200 ] || { flush_all "$@" || return 1; set --; }
    done <"$T/plan"
    [ $# = 0 ] || flush_all "$@"
}

# Renames the staged file over its target, if that is still what was backed up.
put() {
    within && unmoved || return 1
    [ -f "$NEW" ] && [ ! -L "$NEW" ] || { WHY="what was laid beside $path was replaced by somebody else meanwhile"; return 1; }
    if [ "$had" = 0 ]; then
        # What is staged stays beside it: by that it is told from what somebody else makes there later.
        if ln -T -- "$NEW" "$FILE" 2>"$T/failed"; then return; fi
        unmoved && true >"$T/renamed.$n" || return 1 # no hard links here
    fi
    mv -fT -- "$NEW" "$FILE" 2>"$T/failed" || { WHY="$path could not be replaced"; return 1; }
}

take_away() {
    within
    case $? in
        1) return 1 ;;
        2) return 0 ;;
    esac
    [ -e "$FILE" ] || [ -L "$FILE" ] || return 0
    [ -z "$RECOVERING" ] || untouched || { WHY=''; return 0; } # somebody else's by now
    untouched && rm -f -- "$FILE" 2>"$T/failed" || { WHY=${WHY:-"$path could not be removed"}; return 1; }
    [ "$kind" = key ] || true >"$T/gone.$n" || { WHY='the disk is full'; return 1; }
}

# Whether what is to be removed is what was backed up. Keys go long after that was looked at last.
untouched() {
    unmoved || return 1
    [ "$kind" = key ] && [ -e "$T/gen/$n" ] || return 0
    digests "$FILE" "$T/gen/$n"
    [ "$SUMS" = "${SUMS%%"$nl"*}$nl${SUMS%%"$nl"*}$nl" ] || { WHY="$path was written into by somebody else meanwhile"; return 1; }
}

unmoved() {
    WHY=''
    if [ -L "$FILE" ] || [ -d "$FILE" ]; then WHY="$path has become a link or a folder"; return 1; fi
    if [ "$had" = 0 ]; then
        [ ! -e "$FILE" ] || WHY="$path was made by somebody else meanwhile"
    elif [ -e "$OLD" ] && [ ! "$FILE" -ef "$OLD" ] && [ ! -e "$T/copied.$n" ]; then
        WHY="$path was replaced by somebody else meanwhile"
    fi
    [ -z "$WHY" ]
}

# Whether what is kept is still what was backed up: a link shares what somebody writes into the file itself.
unwritten() {
    WANTS=''
    set --
    while IFS=$tab read -r n kind action was omode oowner ogroup new path; do
        beside "$path"
        if [ -e "$OLD" ] && [ ! -e "$T/copied.$n" ]; then
            set -- "$@" "$OLD"
            WANTS=$WANTS$was$nl
        fi
        [ $# -lt 100 ] || { all_are "$@" || return 1; set --; }
    done <"$T/gen/manifest"
    all_are "$@"
}

clear_away() { rm -f -- "$OLD" "$NEW" 2>>"$T/failed" || { [ ! -e "$OLD" ] && [ ! -e "$NEW" ]; }; }

# The folders of the planned files with the action $1 and kind $2 (or "any"), on the disk, and with them what else is named.
flush_folders() {
    wanted=$1 sort=$2
    [ "$1" = any ] || planned "$1" "$2" || return 0
    shift 2
    last=''
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        [ "$wanted" = any ] || [ "$wanted$sort" = "$action$kind" ] || continue
        folder=$R${path%/*}
        [ "$folder" != "$last" ] && [ -d "$folder" ] || continue
        set -- "$@" "$folder"
        last=$folder
    done <"$T/plan"
    [ $# = 0 ] || flush "$@"
}

# Puts every file of the plan in T back: what there was first, the main file first of all (the plan read backwards),
# then what is new is taken away. 0 if all are back; which are not, in FAILED.
put_back() {
    FAILED='' LITTER='' PUT='' EDITED=''
    [ -f "$T/plan.back" ] || { FAILED=' (the plan of it is gone)'; return 1; }
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        at undo-file "$n"
        within
        case $? in
            1) out_of_reach; continue ;;
            2) continue ;;
        esac
        [ "$had" = 1 ] && [ -e "$OLD" ] && [ ! "$FILE" -ef "$OLD" ] && ours || continue
        PUT=yes
        spare
        if ! mv -fT -- "$OLD" "$FILE" 2>>"$T/failed"; then FAILED="$FAILED $path"; fi
    done <"$T/plan.back"
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        at undo-new "$n"
        within || continue
        if [ "$had" = 0 ] && [ -e "$FILE" ] && ours; then
            PUT=yes
            rm -f -- "$FILE" "$T/renamed.$n" 2>>"$T/failed" || FAILED="$FAILED $path"
        fi
        case "$FAILED " in *" $path "*) ;; *) clear_away || LITTER=yes ;; esac
    done <"$T/plan.back"
    flush_folders any any
    if [ -f "$T/dirs" ]; then
        # Deepest last in the file: as many passes as there are folders, at most.
        while IFS= read -r path; do
            while IFS= read -r path; do
                within || continue
                rmdir -- "$NEW/made" "$NEW" "$FILE" 2>/dev/null
            done <"$T/dirs"
        done <"$T/dirs"
    fi
    cd /
    [ -z "$FAILED" ]
}

# A folder of which somebody has made something else may hold what is to be put back, or what was laid there.
out_of_reach() {
    if begun; then FAILED="$FAILED $path"; elif journalled stage "$n"; then LITTER=yes; fi
    printf '%s\n' "$path: $WHY" >>"$T/failed"
}

# Whether the step $1 of the file $2 was begun.
journalled() {
    while read -r name number; do [ "$name $number" != "$1 $2" ] || return 0; done <"$T/journal"
    return 1
}

# Whether it is this change that made of the path what it is: what was staged stands there, or has gone there, or what was
# to be removed is not there. All else is somebody else's.
ours() {
    marked begin || return 1
    if [ "$action" != write ]; then
        { [ ! -e "$FILE" ] || [ -e "$T/gone.$n" ]; } && begun
    elif [ -e "$NEW" ]; then
        [ "$FILE" -ef "$NEW" ] && is_new_content
    elif [ "$had" = 1 ]; then
        begun
    else
        [ -e "$T/renamed.$n" ] && is_new_content
    fi
}

is_new_content() {
    digest "$FILE"
    [ "$D" = "$new" ]
}

# The host is to be what it was, whatever somebody wrote while the change awaited its confirmation; that is kept.
spare() {
    if [ -e "$NEW" ] || [ ! -f "$FILE" ]; then return; fi
    if [ "$action" = write ] && is_new_content; then return; fi
    if { [ -d "$S/edited" ] || mkdir -- "$S/edited"; } 2>/dev/null && cp -Pp -- "$FILE" "$S/edited/$ID.$n" 2>/dev/null; then
        flush "$S/edited/$ID.$n" "$S/edited" # before what it was copied from goes
        EDITED="$EDITED $path ($ID.$n)"
    else
        EDITED="$EDITED $path (could not be kept)"
    fi
}
