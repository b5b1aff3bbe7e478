"""Waiting for events. A test never guesses how long something takes: it names the event and a bound."""

import time


class Deadline:
    """A point in time that ends a wait. Long on purpose: a bound for broken code, not a pace."""

    def __init__(self, seconds=20.0):
        self.seconds = seconds
        self.at = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.at - time.monotonic())

    def is_over(self):
        return time.monotonic() >= self.at


def wait_for(look, what, seconds=20.0, pause=0.01):
    """Returns the first truthy value of look(); fails with `what` when the bound is reached.

    The pause only spares the processor between two looks.
    """
    deadline = Deadline(seconds)
    while True:
        found = look()
        if found:
            return found
        if deadline.is_over():
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(pause)
