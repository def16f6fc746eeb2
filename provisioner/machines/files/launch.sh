#!/bin/sh
# Stands for one lab host while it has power. Runs in a mount namespace of its own, so its mounts end with it.
# Arguments: LOCK PIDFILE BASE UPPER WORK ROOT GROUPS -- COMMAND…   (GROUPS: control groups to join, separated by spaces)
set -eu

main() {
    lock=$1 pidfile=$2 base=$3 upper=$4 work=$5 root=$6 groups=$7
    shift 8
    exec 9>"$lock"
    flock --nonblock 9 || { echo "this host has power already" >&2; exit 3; }
    printf '%s %s\n' "$$" "$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)" >"$pidfile.new"
    mv "$pidfile.new" "$pidfile"
    mount -t overlay lab-host -o "lowerdir=$base,upperdir=$upper,workdir=$work" "$root"
    while :; do
        code=0
        (
            for group in $groups; do echo 0 >"$group/cgroup.procs"; done
            exec "$@"
        ) || code=$?
        # 133: the host asked for a reboot. Anything else: it is off, or somebody pulled the plug.
        [ "$code" -eq 133 ] || exit "$code"
    done
}

# In a function, so that the shell has read all of it before a newer version of this file can take its place.
main "$@"
