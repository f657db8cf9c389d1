"""The negative control: Redis' function takes a change whatever the offset it is based on. Whoever reads the images must find it."""

import threading

from harness import ROOT, say
from storm.processes import Broken

GUARD = "if m.stored < base or m.stored >= to then return at(m.stored) end"
WITHOUT_LOWER_BOUND = "if m.stored >= to then return at(m.stored) end"
# A processor that starts loads the right one.
AGAIN_S = 0.5


class Spoiling(threading.Thread):
    """Loads the spoilt functions over the right ones, again and again, into whichever server is the primary."""

    def __init__(self, sentinels):
        super().__init__(daemon=True)
        text = (ROOT / "views/src/redis/footfall.lua").read_text()
        if GUARD not in text:
            raise LookupError("the functions have no such guard")
        self.sentinels, self.text, self.over = sentinels, text.replace(GUARD, WITHOUT_LOWER_BOUND), threading.Event()
        say("the guard of Redis' functions has lost its lower bound")
        self.start()

    def run(self):
        while not self.over.wait(AGAIN_S):
            try:
                self.sentinels.redis.ask(self.sentinels.primary(), "function", "load", "replace", self.text)
            except Broken:
                pass  # no sentinel answers now
