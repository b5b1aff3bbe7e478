"""A TCP relay between the gateway and a store that a test makes slow, silent or dead.

    relay = DelayingRelay(("127.0.0.1", redis_port))
    relay.delay(0.2)      each byte arrives 200 ms later, in either direction
    relay.pause()         nothing is passed on, connections stay open; resume() passes it on
    relay.cut()           all connections end with a reset; new ones are served
    relay.stop()          as cut(), and new ones are refused, until start()
    relay.close()

Bounded: a direction holds at most 256 pieces of 64 KiB, then its sender has to wait; at most 256
connections, further ones are closed at once.
"""

import contextlib
import queue
import socket
import struct
import threading
import time

PIECE = 64 * 1024
PIECES = 256
CONNECTIONS = 256
PATIENCE = 60  # seconds; a bound for broken code, not a pace


class _Pair:
    """One connection of a client and the one to the target that belongs to it."""

    def __init__(self, relay, client, target):
        self._relay = relay
        self._ends = (client, target)
        self._is_over = threading.Event()
        self.threads = []
        for source, sink in ((client, target), (target, client)):
            pieces = queue.Queue(PIECES)
            self.threads.append(threading.Thread(target=self._read, args=(source, pieces)))
            self.threads.append(threading.Thread(target=self._write, args=(pieces, sink)))
        for thread in self.threads:
            thread.daemon = True
            thread.start()

    def reset(self):
        """Ends both connections with a reset. What is under way is lost."""
        self._is_over.set()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RD)  # wakes its reader
        self._relay.wake()

    def is_over(self):
        return self._is_over.is_set()

    def close_if_done(self):
        """Closes the sockets once no thread uses them."""
        if all(not thread.is_alive() for thread in self.threads):
            for end in self._ends:
                end.close()
            return True
        return False

    def _read(self, source, pieces):
        data = b"-"
        while data and not self.is_over():
            try:
                data = source.recv(PIECE)
            except OSError:
                data = b""
            due = time.monotonic() + self._relay.latency
            while not self.is_over():
                with contextlib.suppress(queue.Full):
                    pieces.put((due, data), timeout=0.1)
                    break

    def _write(self, pieces, sink):
        while not self.is_over():
            try:
                due, data = pieces.get(timeout=0.1)
            except queue.Empty:
                continue
            if not self._relay.await_turn(due, self.is_over):
                return
            try:
                if data:
                    sink.sendall(data)
                else:
                    sink.shutdown(socket.SHUT_WR)
                    return
            except OSError:
                self.reset()
                return


class DelayingRelay:
    """Listens on a free loopback port and passes everything on to `target`, (host, port)."""

    def __init__(self, target):
        self.latency = 0.0
        self.accepted = 0  # connections so far
        self._target = target
        self._turn = threading.Condition()
        self._is_paused = False
        self._pairs = []
        self._listener = None
        self._acceptor = None
        self.port = 0
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def delay(self, seconds):
        """Of what is read from now on."""
        self.latency = seconds

    def pause(self):
        with self._turn:
            self._is_paused = True

    def resume(self):
        with self._turn:
            self._is_paused = False
            self._turn.notify_all()

    def cut(self):
        with self._turn:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.reset()
        for pair in pairs:
            for thread in pair.threads:
                thread.join(PATIENCE)
            assert pair.close_if_done(), "a connection of the relay does not end"

    def start(self):
        """Accepts connections, on the port of before."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
            self.port = self._listener.getsockname()[1]
            self._acceptor = threading.Thread(target=self._accept, args=(self._listener,))
            self._acceptor.daemon = True
            self._acceptor.start()

    def stop(self):
        """Connections are refused from now on, and those that exist end."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._acceptor.join(PATIENCE)
            self._listener.close()
            self._listener = None
        self.cut()

    def close(self):
        self.resume()
        self.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wake(self):
        with self._turn:
            self._turn.notify_all()

    def await_turn(self, due, is_over):
        """Returns when what was due then may be passed on; False: its connection is over."""
        with self._turn:
            while not is_over():
                left = due - time.monotonic()
                if not self._is_paused and left <= 0:
                    return True
                self._turn.wait(None if self._is_paused else left)
        return False

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # stop() ended the listener
            self._forget_ended()
            if len(self._pairs) >= CONNECTIONS:
                client.close()
                continue
            try:
                target = socket.create_connection(self._target, timeout=PATIENCE)
            except OSError:
                client.close()
                continue
            target.settimeout(None)
            for end in (client, target):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._turn:
                self.accepted += 1
                self._pairs.append(_Pair(self, client, target))

    def _forget_ended(self):
        with self._turn:
            self._pairs = [pair for pair in self._pairs if not pair.close_if_done()]
