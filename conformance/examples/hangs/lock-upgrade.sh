#!/bin/sh
# Reads under a shared lock, and updates under an exclusive one: taken by another open of the same file, so that it
# waits for the first. With "fixed" the lock that is held is converted.
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT
exec 9>"$place/lock"
flock -s 9 || exit 2
if [ "$1" = fixed ]; then
    flock -x 9 && echo updated
else
    flock -x "$place/lock" echo updated
fi
