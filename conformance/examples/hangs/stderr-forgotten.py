"""Reads the output of a command to its end, and its warnings afterwards: there are more of these than a pipe holds.
With "fixed" it reads both at once."""

import subprocess
import sys

fixed = "fixed" in sys.argv
noisy = "for n in 1 2 3 4; do head -c 50000 /dev/zero | tr '\\0' w >&2; done; echo done"
command = subprocess.Popen(["sh", "-c", noisy], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
if fixed:
    out, warnings = command.communicate()
else:
    out = command.stdout.read()
    warnings = command.stderr.read()
    command.wait()
sys.exit(0 if out == b"done\n" and len(warnings) == 200_000 else 2)
