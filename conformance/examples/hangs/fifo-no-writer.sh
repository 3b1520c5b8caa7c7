#!/bin/sh
# Waits for a message by a FIFO. Who was to write it has failed, and is not there any more. With "fixed" the reader
# is told: the FIFO is opened by the script as long as the writer may come.
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT
mkfifo "$place/message" || exit 2
if [ "$1" = fixed ]; then
    # Open for both: it waits for nobody, and the message is the end of it.
    exec 3<>"$place/message"
    (false && echo hello >"$place/message") || echo failed >"$place/message"
    head -n 1 <&3
else
    false && echo hello >"$place/message" &
    cat "$place/message"
fi
