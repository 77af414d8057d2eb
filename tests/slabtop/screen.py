#!/usr/bin/env python3
"""screen.py TOOL PID - the tool on a terminal: does it refresh, take keys, end
by q and by Ctrl-C, and leave the terminal as it was?"""

import os
import pty
import re
import select
import signal
import sys
import termios
import time


def read_until(fd, pattern, seconds=10):
    text, end = b"", time.monotonic() + seconds
    while not re.search(pattern, text):
        left = end - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            sys.exit("no %r in %r" % (pattern, text))
        try:
            text += os.read(fd, 65536)
        except OSError:
            sys.exit("it ended: no %r in %r" % (pattern, text))
    return text


def names(text):
    rows = re.findall(rb"^ *\d+ +\d+ +\d+% .* (\S+)\x1b\[K\r?$", text, re.M)
    return rows


def run(tool, pid, end):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    child = os.fork()
    if not child:
        os.setsid()
        os.close(master)
        # The first terminal that a session opens is its own: Ctrl-C works.
        os.close(os.open(os.ttyname(slave), os.O_RDWR))
        for fd in 0, 1, 2:
            os.dup2(slave, fd)
        os.execv(tool, [tool, "-d", "0.2", pid])
    one = rb"OBJS ACTIVE(.|\n)*\x1b\[J"
    read_until(master, one)
    assert not termios.tcgetattr(slave)[3] & termios.ECHO, "keys are echoed"
    os.write(master, b"n")
    # What was drawn before the key came may still be there.
    for _ in range(20):
        rows = names(read_until(master, one))
        if rows == sorted(rows):
            break
    else:
        sys.exit("n does not sort by name: %r" % rows)
    os.write(master, end)
    read_until(master, rb"\x1b\[\?25h")
    status = os.waitpid(child, 0)[1]
    assert status == 0, "exit %x" % status
    assert termios.tcgetattr(slave) == before, "the terminal is changed"
    os.close(master)
    os.close(slave)


signal.alarm(60)
run(sys.argv[1], sys.argv[2], b"q")
run(sys.argv[1], sys.argv[2], b"\x03")
