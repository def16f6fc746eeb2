#!/bin/sh
# private_root.sh FOLDER COMMAND...: runs a command with a root file system of its own, in which FOLDER is the real one
set -e
shared=$1; shift
work=/mnt  # covered for us alone: nothing is left there
mount --make-rprivate /
mount -t tmpfs none "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o lowerdir=/,upperdir=$work/upper,workdir=$work/work "$work/root"
for folder in /proc /sys /dev "$shared"; do mkdir -p "$work/root$folder"; mount --rbind $folder "$work/root$folder"; done
here=$(pwd)
exec chroot "$work/root" sh -c 'cd "$0" && exec "$@"' "$here" "$@"
