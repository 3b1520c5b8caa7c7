"""Waits for a command before it reads what that writes: more than a pipe holds. With "fixed" it reads first."""

import subprocess
import sys

fixed = "fixed" in sys.argv
command = subprocess.Popen(["head", "-c", "200000", "/dev/zero"], stdout=subprocess.PIPE)
if not fixed:
    command.wait()
out = command.stdout.read()
command.wait()
sys.exit(0 if len(out) == 200_000 else 2)
