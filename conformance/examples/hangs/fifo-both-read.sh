#!/bin/sh
# Two processes talk by a FIFO, and both open it for reading. With "fixed" one of them writes.
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT
mkfifo "$place/talk" || exit 2
if [ "$1" = fixed ]; then
    echo hello >"$place/talk" &
else
    cat <"$place/talk" &
fi
cat <"$place/talk"
wait
