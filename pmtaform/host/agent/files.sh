# The files of a transaction: checked, staged, backed up, put in place, restored.

# Whether the live files are still those that the plan was made from; the first that is not is in WHY. With `plan` the
# files that will change too, and their staged files: before the backup `verify_staged` looks at those.
compare() {
    upto=$1
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
    done <"$T/lines"
    [ "$upto" = plan ] || { all_are "$@"; return; }
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        if [ "$action" = write ]; then
            name_beside "$path"
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

# Whether the file $2 can have the digest $1, as far as that is known without reading it; - stands for a missing file.
# The digests of existing files are added to WANTS, a line each.
may_be() {
    if [ -L "$R$2" ] || { [ -e "$R$2" ] && [ ! -f "$R$2" ]; }; then
        report_change "$2"
        return 1
    elif [ ! -e "$R$2" ]; then
        [ "$1" = - ] || { report_change "$2"; return 1; }
    else
        [ "$1" != - ] || { report_change "$2"; return 1; }
        WANTS=$WANTS$1$nl
    fi
}

# Whether the files "$@" have the digests in WANTS.
all_are() {
    digests "$@"
    for file; do
        [ "${SUMS%%"$nl"*}" = "${WANTS%%"$nl"*}" ] || { report_change "${file#"$R"}"; return 1; }
        SUMS=${SUMS#*"$nl"} WANTS=${WANTS#*"$nl"}
    done
}

# Sets WHY: the file $1 has changed. A staged file is reported as the file that it replaces.
report_change() {
    WHY="$1 is not what it was when the change was planned"
    case $1 in
        *".pmtaform-$ID"*)
            WHY=${1##*/.}
            WHY="${1%/*}/${WHY%".pmtaform-$ID"*} was edited by someone else meanwhile"
            ;;
    esac
}

# Whether a transaction may change the path $1; why not, in WHY.
may_change() {
    case $1 in
        /*) ;;
        *) WHY="$1 is not absolute"; return 1 ;;
    esac
    case $1/ in
        *//* | */./* | */../*) WHY="$1 is not a plain path"; return 1 ;;
    esac
    is_allowed "${1%/*}" || { WHY="$1 is not below an allowed path"; return 1; }
    if find_link "$1"; then WHY="$L is a symbolic link"; return 1; fi
    if [ -d "$R$1" ]; then WHY="$1 is a folder"; return 1; fi
    if [ -e "$R$1" ] && [ ! -f "$R$1" ]; then WHY="$1 is not a regular file"; return 1; fi
}

# Plans every file: its present and its new state. T/plan has one line a file.
plan_files() {
    [ "$ACTIVATION" = none ] || [ -x "$R$PMTA" ] || { WHY="there is no $PMTA on this host"; return 1; }
    [ "$ACTIVATION" != restart ] || restart_words pmta || { WHY='no way to restart PowerMTA was found'; return 1; }
    [ "$WEB" != yes ] || restart_words pmtahttp || { WHY='no way to restart the web monitor (pmtahttp) was found'; return 1; }
    forwards='' backwards=''
    look_at_planned || return 1
    while IFS=$tab read -r action n kind mode owner group new src expected path; do
        case $action in write | remove) ;; *) continue ;; esac
        had=0 omode=- oowner=- ogroup=-
        if [ -e "$R$path" ]; then
            had=1
            found=${LOOKED%%"$nl"*} LOOKED=${LOOKED#*"$nl"}
            case $found in
                *"$tab$R$path") found=${found%"$tab$R$path"} ;;
                *) WHY="$path cannot be looked at"; return 1 ;;
            esac
            split_owner "${found#*"$tab"}"
            # Its other names keep the old file.
            [ "${found%%"$tab"*}" -lt 2 ] || emit "names ${found%%"$tab"*} $path" >>"$T/names"
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
    done <"$T/lines"
    # No file is staged before both plans are complete.
    printf '%s' "$backwards" >"$T/plan.back" && printf '%s' "$forwards" >"$T/plan" || { WHY='the disk is full'; return 1; }
    flush_all "$T/request" "$T/owner" "$T/plan" "$T/plan.back" "$T"
}

# What each existing file of the plan is, in LOOKED, one a line; 1: a transaction may not change one of the files.
look_at_planned() {
    LOOKED=''
    set --
    while IFS=$tab read -r action n kind mode owner group new src expected path; do
        case $action in write | remove) ;; *) continue ;; esac
        may_change "$path" || return 1
        [ ! -e "$R$path" ] || set -- "$@" "$R$path"
        [ $# -lt 100 ] || { look_at "$@"; set --; }
    done <"$T/lines"
    [ $# = 0 ] || look_at "$@"
}

look_at() { LOOKED=$LOOKED$(stat -c "%h$tab%a$tab%U$tab%G$tab%u$tab%g$tab%n" -- "$@" 2>/dev/null)$nl; }

# Flushes "$@" to the disk: only that shows whether all of it could be written.
flush_all() {
    sync -- "$@" 2>"$T/failed" && return
    # A file that it cannot open, or an old sync that accepts no names: everything is flushed.
    case $(cat -- "$T/failed") in
        *syncing* | *fsync*) WHY='the disk does not store what was written'; return 1 ;;
    esac
    sync 2>/dev/null || :
}

# PowerMTA's user, looked up once, only on a real machine.
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
    emit "$1" >>"$T/dirs"
    make_folder "$1" || { WHY=${BLOCKED:-"the folder $1 could not be made"}; return 1; }
}

# Makes the folder $1 in a private folder beside its place, sets its owner there, and moves it to its place: the owner of
# the folder above could replace it with a link at any moment, and the target of the link would get the owner.
make_folder() {
    go_into "${1%/*}" || return 1
    BLOCKED='' NEW=.${1##*/}.pmtaform-$ID
    mkdir -- "./$NEW" 2>"$T/failed" || return 1
    test_point "folder.$n"
    go_into "${1%/*}/$NEW" || return 1
    BLOCKED=''
    found=$(stat -c "%a$tab%U$tab%G$tab%u$tab%g" -- . .. 2>"$T/failed")
    case ${found%%"$tab"*} in 700 | ?700) ;; *) return 1 ;; esac
    [ -O . ] || return 1
    split_owner "${found#*"$nl"}"
    install -d -m "$F_MODE" -o "$F_OWNER" -g "$F_GROUP" -- ./made 2>"$T/failed" \
        || { BLOCKED="the folder $1 could not be made $F_OWNER:$F_GROUP"; return 1; }
    mv -fT -- ./made "../${1##*/}" 2>"$T/failed" && rmdir -- "../$NEW" 2>"$T/failed" || return 1
    test_point "folder:after.$n"
}

# Whether there is a planned file with the action $1 and kind $2 (or "any").
has_planned() {
    if [ -z "$KINDS" ]; then
        while read -r n kind action rest; do
            case "$KINDS " in *" $action$kind "*) ;; *) KINDS="$KINDS $action$kind" ;; esac
        done <"$T/plan"
    fi
    case "$KINDS " in *" $1${2#any}"*) ;; *) return 1 ;; esac
}

# Calls $4 for each planned file with the action $2 and kind $3 (or "any"), journalled as the step $1.
for_each() {
    has_planned "$2" "$3" || return 0
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        [ "$action" = "$2" ] && { [ "$3" = any ] || [ "$kind" = "$3" ]; } || continue
        step "$1" "$n" || return 1
        "$4" || return 1
        step_done "$1" "$n" || return 1
    done <"$T/plan"
}

# Gives the contents of new files their owners and modes in a private folder; the staged files copy both from there.
set_owners() {
    STEP=stage as=''
    set --
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        [ "$action$had" = write0 ] || continue
        case $src in kept/*) continue ;; esac
        if [ "$as" != "$mode:$owner:$group" ] || [ $# -ge 100 ]; then
            set_owner "$@" || return 1
            set -- "$path" "$mode" "$owner" "$group"
            as=$mode:$owner:$group
        fi
        set -- "$@" "$T/blob.$n"
    done <"$T/plan"
    set_owner "$@"
}

# The first path, mode, owner and group; then the files.
set_owner() {
    [ $# -gt 0 ] || return 0
    first=$1 modes=$2 owners=$3 groups=$4
    shift 4
    install -m "$modes" -o "$owners" -g "$groups" -- "$@" "$T/ready" 2>"$T/failed" && return
    path=$first mode=$modes owner=$owners group=$groups
    explain_owner_failure
    return 1
}

# Sets WHY: why the file `path` could not get its owner or mode, by the output of the program that failed.
explain_owner_failure() {
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

# Writes the new content beside its target, through descriptor 4: another user may replace the name with a link.
stage() {
    make_folders "${path%/*}" && enter_folder_of || return 1
    WHY="$path: nothing can be written in its folder"
    set -C
    { set +C; test_point "fill.$n"; fill; } 2>/dev/null 4>"$NEW"
    filled=$?
    set +C
    return $filled
}

# An existing file keeps everything except its content: access control list, extended attributes, label.
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
    # Without root, cp does not report whether the owner was kept.
    { [ "${was#*:}" = "$owner:$group" ] && [ -O / ]; } || chown -- "$owner:$group" /proc/self/fd/4 2>"$T/failed" \
        || { explain_owner_failure; return 1; }
    [ "${was%%:*}" = "$mode" ] || chmod -- "$mode" /proc/self/fd/4 2>"$T/failed" || { explain_owner_failure; return 1; }
    cat -- "$from" 2>"$T/failed" >&4
}

has_list() { case $(ls -ld -- "$FILE" 2>/dev/null) in ??????????+*) ;; *) return 1 ;; esac; }

# Whether the file has more than owner, group and mode, as far as the tools of this host show.
has_more() {
    case $(ls -ld -- "$FILE" 2>/dev/null) in ??????????[+.@]*) return 0 ;; esac
    [ -n "$(getfattr -m - -- "$FILE" 2>/dev/null)" ]
}

# Keeps the old file: a link beside the target, to be restored by a rename, and a copy for the generation.
back_up() {
    [ "$had" = 1 ] || return 0
    enter_folder_of || return 1
    if ! ln -T -- "$FILE" "$OLD" 2>"$T/failed"; then
        true >"$T/copied.$n"
        set -C
        { set +C; copy_all; } 2>/dev/null 4>"$OLD"
        copied=$?
        set +C
        [ "$copied" = 0 ] || { WHY="$path could not be backed up"; return 1; }
    fi
    test_point "keep-old.$n"
    { [ -f "$OLD" ] && { is_open "$OLD" && cat <&4 2>"$T/failed" >"$T/gen/$n"; } 2>/dev/null 4<"$OLD"; } \
        || { WHY="$path could not be backed up"; return 1; }
}

# Copies the file with all its attributes into descriptor 4.
copy_all() {
    cp -P --preserve=mode,ownership,timestamps,xattr -- "$FILE" /proc/self/fd/4 2>"$T/failed" && return
    ! has_more && cp -Pp -- "$FILE" /proc/self/fd/4 2>"$T/failed"
}

# Keeps a copy of the configuration that the host will have, one file after the other, in the order of the record: a later
# edit can then be shown value by value.
keep_base() {
    [ -f "$T/gen/left" ] || return 0
    true >"$T/gen/base"
    set --
    while IFS=$tab read -r word which path; do
        [ "$word" = base ] || continue
        name_beside "$path"
        if [ "$which" = new ]; then file=$NEW; else file=$R$path; fi
        [ -f "$file" ] || return 1 # a pipe would be read without end
        set -- "$@" "$file"
        if [ $# -ge 100 ]; then cat -- "$@" >>"$T/gen/base" || return 1; set --; fi
    done 2>"$T/failed" <"$T/lines"
    [ $# = 0 ] || cat -- "$@" 2>"$T/failed" >>"$T/gen/base"
}

# Verifies that the staged files arrived complete, and that the backups are what the plan was made from: they would be
# restored. Then writes the generation's manifest.
verify_staged() {
    sums=''
    set --
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        name_beside "$path"
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
            *) report_change "$path"; STALE=stale; return 1 ;;
        esac
        [ -n "$D" ] && emit "$n$tab$kind$tab$action$tab$D$tab$omode$tab$oowner$tab$ogroup$tab$new$tab$path" >>"$T/gen/manifest" \
            || { WHY="$path could not be backed up"; return 1; }
    done <"$T/plan"
    true >>"$T/gen/manifest" # a record may be made without a change
    true >"$T/failed"
}

# Takes the next of `sums` into D.
next_sum() { D=${sums%%"$nl"*} sums=${sums#*"$nl"}; }

# Flushes everything that a commit or an undo needs.
flush_staged() {
    set -- "$T/gen/info" "$T/gen/manifest" "$T/gen" "$T/marks" "$T"
    for f in "$T/dirs" "$T/gen/left" "$T/gen/base"; do [ ! -e "$f" ] || set -- "$@" "$f"; done
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        name_beside "$path"
        [ "$action" != write ] || set -- "$@" "$NEW"
        [ "$had" = 0 ] || set -- "$@" "$T/gen/$n"
        [ ! -d "$DIR" ] || set -- "$@" "$DIR"
        [ $# -lt 200 ] || { flush_all "$@" || return 1; set --; }
    done <"$T/plan"
    [ $# = 0 ] || flush_all "$@"
}

# Renames the staged file over its target, if that is still what was backed up.
put_in_place() {
    enter_folder_of && is_unmoved || return 1
    [ -f "$NEW" ] && [ ! -L "$NEW" ] || { WHY="the staged file of $path was replaced by someone else meanwhile"; return 1; }
    if [ "$had" = 0 ]; then
        # The staged name stays: it tells this file from one that someone else creates there later.
        if ln -T -- "$NEW" "$FILE" 2>"$T/failed"; then return; fi
        is_unmoved && true >"$T/renamed.$n" || return 1 # no hard links here
    fi
    mv -fT -- "$NEW" "$FILE" 2>"$T/failed" || { WHY="$path could not be replaced"; return 1; }
}

remove_file() {
    enter_folder_of
    case $? in
        1) return 1 ;;
        2) return 0 ;;
    esac
    [ -e "$FILE" ] || [ -L "$FILE" ] || return 0
    [ -z "$RECOVERING" ] || is_as_backed_up || { WHY=''; return 0; } # another file by now
    is_as_backed_up && rm -f -- "$FILE" 2>"$T/failed" || { WHY=${WHY:-"$path could not be removed"}; return 1; }
    [ "$kind" = key ] || true >"$T/gone.$n" || { WHY='the disk is full'; return 1; }
}

# Whether the file to remove is still the one that was backed up. Keys are removed long after their last check.
is_as_backed_up() {
    is_unmoved || return 1
    [ "$kind" = key ] && [ -e "$T/gen/$n" ] || return 0
    digests "$FILE" "$T/gen/$n"
    [ "$SUMS" = "${SUMS%%"$nl"*}$nl${SUMS%%"$nl"*}$nl" ] || { WHY="$path was edited by someone else meanwhile"; return 1; }
}

is_unmoved() {
    WHY=''
    if [ -L "$FILE" ] || [ -d "$FILE" ]; then WHY="$path has become a link or a folder"; return 1; fi
    if [ "$had" = 0 ]; then
        [ ! -e "$FILE" ] || WHY="$path was created by someone else meanwhile"
    elif [ -e "$OLD" ] && [ ! "$FILE" -ef "$OLD" ] && [ ! -e "$T/copied.$n" ]; then
        WHY="$path was replaced by someone else meanwhile"
    fi
    [ -z "$WHY" ]
}

# Whether the backups are unchanged: a backup is a link, and shares what is written into the file itself.
backups_are_intact() {
    WANTS=''
    set --
    while IFS=$tab read -r n kind action was omode oowner ogroup new path; do
        name_beside "$path"
        if [ -e "$OLD" ] && [ ! -e "$T/copied.$n" ]; then
            set -- "$@" "$OLD"
            WANTS=$WANTS$was$nl
        fi
        [ $# -lt 100 ] || { all_are "$@" || return 1; set --; }
    done <"$T/gen/manifest"
    all_are "$@"
}

remove_staged() { rm -f -- "$OLD" "$NEW" 2>>"$T/failed" || { [ ! -e "$OLD" ] && [ ! -e "$NEW" ]; }; }

# Flushes the folders of the planned files with the action $1 and kind $2 (or "any"), and the files after them.
flush_folders() {
    wanted=$1 sort=$2
    [ "$1" = any ] || has_planned "$1" "$2" || return 0
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

# Restores every file of the plan in T: first the old files, the main file before the others (the plan backwards), then
# the new files are removed. 0 if all are restored; FAILED names those that are not.
restore_files() {
    FAILED='' LITTER='' PUT='' EDITED=''
    [ -f "$T/plan.back" ] || { FAILED=' (the plan of it is gone)'; return 1; }
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        step undo-file "$n"
        enter_folder_of
        case $? in
            1) note_unreachable; continue ;;
            2) continue ;;
        esac
        [ "$had" = 1 ] && [ -e "$OLD" ] && [ ! "$FILE" -ef "$OLD" ] && is_from_this_change || continue
        PUT=yes
        keep_edit
        if ! mv -fT -- "$OLD" "$FILE" 2>>"$T/failed"; then FAILED="$FAILED $path"; fi
    done <"$T/plan.back"
    while IFS=$tab read -r n kind action had omode oowner ogroup mode owner group new src expected path; do
        step undo-new "$n"
        enter_folder_of || continue
        if [ "$had" = 0 ] && [ -e "$FILE" ] && is_from_this_change; then
            PUT=yes
            rm -f -- "$FILE" "$T/renamed.$n" 2>>"$T/failed" || FAILED="$FAILED $path"
        fi
        case "$FAILED " in *" $path "*) ;; *) remove_staged || LITTER=yes ;; esac
    done <"$T/plan.back"
    flush_folders any any
    if [ -f "$T/dirs" ]; then
        # Deepest last in the file: as many passes as there are folders, at most.
        while IFS= read -r path; do
            while IFS= read -r path; do
                enter_folder_of || continue
                rmdir -- "$NEW/made" "$NEW" "$FILE" 2>/dev/null
            done <"$T/dirs"
        done <"$T/dirs"
    fi
    cd /
    [ -z "$FAILED" ]
}

# A folder that was replaced may hold a backup or a staged file.
note_unreachable() {
    if has_begun; then FAILED="$FAILED $path"; elif has_journalled stage "$n"; then LITTER=yes; fi
    printf '%s\n' "$path: $WHY" >>"$T/failed"
}

# Whether the step $1 of the file $2 was started.
has_journalled() {
    while read -r name number; do [ "$name $number" != "$1 $2" ] || return 0; done <"$T/journal"
    return 1
}

# Whether the path is as this change left it: the staged file is there, or was moved there, or the file to remove is gone.
# Anything else was made by someone else.
is_from_this_change() {
    has_mark begin || return 1
    if [ "$action" != write ]; then
        { [ ! -e "$FILE" ] || [ -e "$T/gone.$n" ]; } && has_begun
    elif [ -e "$NEW" ]; then
        [ "$FILE" -ef "$NEW" ] && is_new_content
    elif [ "$had" = 1 ]; then
        has_begun
    else
        [ -e "$T/renamed.$n" ] && is_new_content
    fi
}

is_new_content() {
    digest "$FILE"
    [ "$D" = "$new" ]
}

# Keeps an edit that was made while the change awaited its confirmation, before the old file is restored over it.
keep_edit() {
    if [ -e "$NEW" ] || [ ! -f "$FILE" ]; then return; fi
    if [ "$action" = write ] && is_new_content; then return; fi
    if { [ -d "$S/edited" ] || mkdir -- "$S/edited"; } 2>/dev/null && cp -Pp -- "$FILE" "$S/edited/$ID.$n" 2>/dev/null; then
        flush "$S/edited/$ID.$n" "$S/edited" # before what it was copied from goes
        EDITED="$EDITED $path ($ID.$n)"
    else
        EDITED="$EDITED $path (could not be kept)"
    fi
}
