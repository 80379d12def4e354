"""A way to a server that can be blocked: it then takes what it is given and passes nothing on."""

import selectors
import socket
import threading
from collections.abc import Callable
from typing import Self


class Way:
    """Listens on a port and passes bytes on, in both directions, while it is open."""

    def __init__(self, port: int) -> None:
        """Lead to a port of this machine."""
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.open = threading.Event()
        self.open.set()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Begin to pass on."""
        self._listener.settimeout(0.1)
        self._begin(self._accept)
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close everything."""
        self._over.set()
        self.open.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _begin(self, work: Callable[..., None], *given: socket.socket) -> None:
        thread = threading.Thread(target=work, args=given)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._begin(self._carry, near, socket.create_connection(("127.0.0.1", self._target)))

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, selectors.DefaultSelector() as ends:
            ends.register(near, selectors.EVENT_READ, far)
            ends.register(far, selectors.EVENT_READ, near)
            while not self._over.is_set() and all(self._pass_on(key) for key, _ in ends.select(0.1)):
                pass

    def _pass_on(self, key: selectors.SelectorKey) -> bool:
        """Carry what has come to one end to the other, once the way is open; false at the end."""
        self.open.wait()
        source, target = key.fileobj, key.data
        assert isinstance(source, socket.socket)
        try:
            taken = source.recv(65536)
            target.sendall(taken)
        except OSError:
            return False
        return bool(taken)
