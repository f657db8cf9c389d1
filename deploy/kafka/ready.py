"""Exit status 0 if every broker on the given ports of 127.0.0.1 counts all of them as alive.

Asks with Kafka's own Metadata request (key 3, version 4), so that neither a client library nor a JVM is needed.
"""

import socket
import struct
import sys

TIMEOUT_S = 2.0
CORRELATION = 1
# Header: key, version, correlation, client id. Body: no topics, no auto-creation.
REQUEST = struct.pack(">hhih", 3, 4, CORRELATION, 8) + b"footfall" + struct.pack(">i?", 0, False)


def receive(connection, length):
    data = b""
    while len(data) < length:
        piece = connection.recv(length - len(data))
        if not piece:
            raise ConnectionError("the broker closed the connection")
        data += piece
    return data


def brokers_known_to(port):
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.sendall(struct.pack(">i", len(REQUEST)) + REQUEST)
        (length,) = struct.unpack(">i", receive(connection, 4))
        answer = receive(connection, length)
    correlation, _throttle_ms, brokers = struct.unpack(">iii", answer[:12])
    return brokers if correlation == CORRELATION else 0


def main(ports):
    try:
        return 0 if all(brokers_known_to(port) == len(ports) for port in ports) else 1
    except (OSError, struct.error):
        return 1


if __name__ == "__main__":
    sys.exit(main([int(port) for port in sys.argv[1:]]))
