"""Sends a filter a megabyte, and reads what it makes of that only afterwards: both pipes fill. With "fixed" it does
both at once."""

import subprocess
import sys

fixed = "fixed" in sys.argv
data = b"a line of text\n" * 70_000
filter = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
if fixed:
    out, _ = filter.communicate(data)
else:
    filter.stdin.write(data)
    filter.stdin.close()
    out = filter.stdout.read()
    filter.wait()
sys.exit(0 if out == data else 2)
