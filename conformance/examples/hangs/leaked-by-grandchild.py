"""Reads the output of a helper to its end. The helper has left a process in the background that has the same output,
and itself waits for the end of what the parent feeds it. With "fixed" that process has an output of its own."""

import subprocess
import sys

fixed = "fixed" in sys.argv
# A job in the background gets no input from a shell, unless it is given one by another number.
helper = "exec 3<&0; wc -c <&3 " + (">/dev/null" if fixed else "") + " & echo started"
helper = subprocess.Popen(["sh", "-c", helper], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
answer = helper.stdout.read()
helper.stdin.close()
helper.wait()
sys.exit(0 if answer == b"started\n" else 2)
