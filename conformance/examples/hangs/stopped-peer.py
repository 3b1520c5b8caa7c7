"""Asks a helper that was stopped, as by Ctrl-Z, or by reading from the terminal in the background. With "fixed" it is
continued first."""

import os
import signal
import subprocess
import sys

fixed = "fixed" in sys.argv
helper = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
os.kill(helper.pid, signal.SIGSTOP)
os.waitid(os.P_PID, helper.pid, os.WSTOPPED)
if fixed:
    os.kill(helper.pid, signal.SIGCONT)
helper.stdin.write(b"hello\n")
helper.stdin.close()
answer = helper.stdout.read()
helper.wait()
sys.exit(0 if answer == b"hello\n" else 2)
