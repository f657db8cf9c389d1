"""Connections that can be held and ended from outside, for as long as the process lives."""

import select
import socket
import threading

CHUNK = 1 << 16


class Links:
    """Passes connections on to a port, until it is told to hold what comes, or to end them."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = str(self.listener.getsockname()[1])
        self.passing, self.target, self.pairs = threading.Event(), None, []
        self.passing.set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            threading.Thread(target=self.carry, args=(near, far), daemon=True).start()

    def carry(self, near, far):
        other = {near: far, far: near}
        try:
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    self.passing.wait()
                    if not (chunk := ready.recv(CHUNK)):
                        raise OSError("closed")
                    self.passing.wait()
                    other[ready].sendall(chunk)
        except (OSError, ValueError):
            near.close()
            far.close()

    def end(self):
        """Ends every link; what is held is lost."""
        for near, far in self.pairs:
            for side in (near, far):
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                side.close()
        self.pairs = []
        self.passing.set()
