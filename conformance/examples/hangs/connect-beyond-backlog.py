"""Connects to itself more often than connections may wait to be accepted. With "fixed" it accepts each one."""

import socket
import sys

fixed = "fixed" in sys.argv
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(1)
clients = []
for _ in range(8):
    client = socket.create_connection(server.getsockname())
    clients.append(client)
    if fixed:
        clients.append(server.accept()[0])
sys.exit(0)
