#!/usr/bin/env python3
"""Passes connections on to Redis' servers, and cuts a server off from the other servers and the sentinels.

usage: links.py INTERNAL PORT:TARGET…

Redis and Sentinel connect from the address INTERNAL; whoever connects from another one is a client and is never cut off. On standard
input, "cut PORT" holds what servers and sentinels send and are sent through PORT; "mend PORT" ends these connections, so that
what was held is lost, and lets new ones through. Each is answered with its line when it is done.
"""

import asyncio
import contextlib
import sys

CHUNK = 1 << 16


class Link:
    """One server's address, for all others."""

    def __init__(self, internal, port, target):
        self.internal, self.port, self.target = internal, port, target
        self.is_cut, self.connections = False, set()

    async def serve(self, near_in, near_out):
        is_internal = near_out.get_extra_info("peername")[0] == self.internal
        ends = [near_out]
        if is_internal:
            self.connections.add(asyncio.current_task())
        try:
            await self.hold(is_internal)
            far_in, far_out = await asyncio.open_connection("127.0.0.1", self.target)
            ends.append(far_out)
            ways = {asyncio.create_task(self.carry(*way, is_internal)) for way in ((near_in, far_out), (far_in, near_out))}
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
        except (OSError, asyncio.CancelledError):
            pass  # the server is not there, or the link was cut
        finally:
            self.connections.discard(asyncio.current_task())
            for end in ends:
                end.transport.abort()

    async def hold(self, is_internal):
        """While the server is cut off nothing goes on; `mend` ends it."""
        if is_internal and self.is_cut:
            await asyncio.Event().wait()

    async def carry(self, source, sink, is_internal):
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                await self.hold(is_internal)
                sink.write(chunk)
                await sink.drain()
            # An end is news, too.
            await self.hold(is_internal)

    def cut(self):
        self.is_cut = True

    def mend(self):
        self.is_cut = False
        for connection in list(self.connections):
            connection.cancel()


async def main(internal, *pairs):
    links = {port: Link(internal, port, target) for port, target in (pair.split(":") for pair in pairs)}
    servers = [await asyncio.start_server(link.serve, "127.0.0.1", int(port)) for port, link in links.items()]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print("ready", flush=True)
    while line := (await lines.readline()).decode():
        what, port = line.split()
        {"cut": links[port].cut, "mend": links[port].mend}[what]()
        print(line, end="", flush=True)
    for server in servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
