"""Just enough of the Kafka protocol to say things that no client library would."""
import socket
import struct


def header(key, version, correlation=1, client="test", flexible=False):
    name = client.encode()
    return struct.pack(">hhih", key, version, correlation, len(name)) + name + (b"\0" if flexible else b"")


class Raw:
    """A TCP connection that sends bytes and reads frames."""

    def __init__(self, bootstrap, timeout=10):
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def frame(self, body):
        return self.send(struct.pack(">i", len(body)) + body)

    def request(self, key, version, body=b"", correlation=1, flexible=False):
        return self.frame(header(key, version, correlation, flexible=flexible) + body)

    def read(self):
        """One frame without its size; None when the other side has closed."""
        size = self._exactly(4)
        return None if size is None else self._exactly(struct.unpack(">i", size)[0])

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError:
                return None
            if not part:
                return None
            data += part
        return data

    def is_closed(self):
        return self._exactly(1) is None


def string(text):
    data = text.encode()
    return struct.pack(">h", len(data)) + data
