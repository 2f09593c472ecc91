"""Runs the public gRPC interoperability cases of grpcio (the C core) against a server on loopback.

    interop.py PORT [CA_FILE]        with a CA file over TLS

Prints "pass CASE" or "fail CASE: why" for each case.
"""
import contextlib
import pathlib
import socket
import subprocess
import sys
import threading
import types

import grpc
from google.protobuf import descriptor_pb2, message_factory

PROTOS = pathlib.Path(__file__).resolve().parents[2] / "AgentIdentity.InteropHost" / "protos"

# Debian's generator for Python is older than its runtime and their code does not fit; descriptors always do.
DESCRIPTORS = descriptor_pb2.FileDescriptorSet.FromString(subprocess.run(
    ["protoc", f"-I{PROTOS}", "--include_imports", "--descriptor_set_out=/dev/stdout", "test.proto"], check=True, capture_output=True).stdout)
TYPES = message_factory.GetMessages(DESCRIPTORS.file)
messages = types.SimpleNamespace(**{name.removeprefix("grpc.testing."): kind for name, kind in TYPES.items()})

PORT = int(sys.argv[1])
CREDENTIALS = grpc.ssl_channel_credentials(pathlib.Path(sys.argv[2]).read_bytes()) if len(sys.argv) > 2 else None
CASE_SECONDS = 20
INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")


def connect(port=PORT):
    target = f"127.0.0.1:{port}"
    return grpc.secure_channel(target, CREDENTIALS) if CREDENTIALS else grpc.insecure_channel(target)


def stub(channel, service="TestService"):
    """What a generated stub is: one callable for each method."""
    methods = next(s for file in DESCRIPTORS.file for s in file.service if s.name == service).method
    return types.SimpleNamespace(**{method.name: callable_for(channel, service, method) for method in methods})


def callable_for(channel, service, method):
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    return getattr(channel, kind)(
        f"/grpc.testing.{service}/{method.name}",
        request_serializer=TYPES[method.input_type[1:]].SerializeToString,
        response_deserializer=TYPES[method.output_type[1:]].FromString)


CHANNEL = connect()
STUB = stub(CHANNEL)


def zeros(size):
    return messages.Payload(body=bytes(size))


def large(**fields):
    return messages.SimpleRequest(response_size=314159, payload=zeros(271828), **fields)


def asking(size, sent, **fields):
    return messages.StreamingOutputCallRequest(
        response_parameters=[messages.ResponseParameters(size=size, **fields)], payload=zeros(sent))


def equal(found, expected):
    assert found == expected, f"expected {expected!r:.200}, found {found!r:.200}"


def fails(call, code, details=None):
    try:
        call()
    except grpc.RpcError as error:
        equal(error.code(), code)
        if details is not None:
            equal(error.details(), details)
    else:
        raise AssertionError(f"expected {code}, found success")


class Requests:
    """The requests of a stream, sent one by one."""

    def __init__(self):
        self.waiting, self.closed, self.ready = [], False, threading.Condition()

    def send(self, request):
        with self.ready:
            self.waiting.append(request)
            self.ready.notify()

    def close(self):
        with self.ready:
            self.closed = True
            self.ready.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self.ready:
            self.ready.wait_for(lambda: self.waiting or self.closed)
            if self.waiting:
                return self.waiting.pop(0)
            raise StopIteration


@contextlib.contextmanager
def counting():
    """A channel whose received bytes are counted: the only witness of compression that an application has."""
    count = [0]
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink, counted):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                count[0] += len(data) if counted else 0
                sink.sendall(data)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", PORT))
                for args in ((near, far, False), (far, near, True)):
                    threading.Thread(target=pump, args=args, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listener, connect(listener.getsockname()[1]) as channel:
        yield stub(channel), lambda: count[0]


def empty_unary():
    equal(STUB.EmptyCall(messages.Empty(), timeout=CASE_SECONDS), messages.Empty())


def large_unary():
    equal(STUB.UnaryCall(large(), timeout=CASE_SECONDS).payload.body, bytes(314159))


def client_streaming():
    requests = (messages.StreamingInputCallRequest(payload=zeros(size)) for size in (27182, 8, 1828, 45904))
    equal(STUB.StreamingInputCall(requests, timeout=CASE_SECONDS).aggregated_payload_size, 74922)


def server_streaming():
    sizes = [31415, 9, 2653, 58979]
    request = messages.StreamingOutputCallRequest(response_parameters=[messages.ResponseParameters(size=size) for size in sizes])
    equal([len(r.payload.body) for r in STUB.StreamingOutputCall(request, timeout=CASE_SECONDS)], sizes)


def ping_pong():
    requests = Requests()
    responses = STUB.FullDuplexCall(requests, timeout=CASE_SECONDS)
    for size, sent in ((31415, 27182), (9, 8), (2653, 1828), (58979, 45904)):
        requests.send(asking(size, sent))
        equal(len(next(responses).payload.body), size)
    requests.close()
    equal(list(responses), [])


def empty_stream():
    equal(list(STUB.FullDuplexCall(iter(()), timeout=CASE_SECONDS)), [])


def cancel_after_begin():
    requests = Requests()
    call = STUB.StreamingInputCall.future(requests, timeout=CASE_SECONDS)
    call.cancel()
    requests.close()
    equal(call.code(), grpc.StatusCode.CANCELLED)


def cancel_after_first_response():
    requests = Requests()
    responses = STUB.FullDuplexCall(requests, timeout=CASE_SECONDS)
    requests.send(asking(31415, 27182))
    equal(len(next(responses).payload.body), 31415)
    responses.cancel()
    fails(lambda: next(responses), grpc.StatusCode.CANCELLED)
    requests.close()


def timeout_on_sleeping_server():
    requests = Requests()
    responses = STUB.FullDuplexCall(requests, timeout=0.001)
    requests.send(asking(1, 27182, interval_us=10_000_000))
    fails(lambda: next(responses), grpc.StatusCode.DEADLINE_EXCEEDED)
    requests.close()


def custom_metadata():
    _, once = STUB.UnaryCall.with_call(large(), metadata=(INITIAL, TRAILING), timeout=CASE_SECONDS)
    stream = STUB.FullDuplexCall(iter([asking(314159, 271828)]), metadata=(INITIAL, TRAILING), timeout=CASE_SECONDS)
    equal([len(r.payload.body) for r in stream], [314159])
    for call in (once, stream):
        assert INITIAL in call.initial_metadata(), call.initial_metadata()
        assert TRAILING in call.trailing_metadata(), call.trailing_metadata()


def status_code_and_message():
    status = messages.EchoStatus(code=2, message="test status message")
    fails(lambda: STUB.UnaryCall(messages.SimpleRequest(response_status=status), timeout=CASE_SECONDS),
          grpc.StatusCode.UNKNOWN, status.message)
    stream = STUB.FullDuplexCall(iter([messages.StreamingOutputCallRequest(response_status=status)]), timeout=CASE_SECONDS)
    fails(lambda: next(stream), grpc.StatusCode.UNKNOWN, status.message)


def special_status_message():
    status = messages.EchoStatus(code=2, message="\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")
    fails(lambda: STUB.UnaryCall(messages.SimpleRequest(response_status=status), timeout=CASE_SECONDS),
          grpc.StatusCode.UNKNOWN, status.message)


def unimplemented_method():
    fails(lambda: STUB.UnimplementedCall(messages.Empty(), timeout=CASE_SECONDS), grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service():
    unknown = stub(CHANNEL, "UnimplementedService")
    fails(lambda: unknown.UnimplementedCall(messages.Empty(), timeout=CASE_SECONDS), grpc.StatusCode.UNIMPLEMENTED)


def client_compressed_unary():
    def call(expected, compression):
        request = large(expect_compressed=messages.BoolValue(value=expected))
        return STUB.UnaryCall(request, compression=compression, timeout=CASE_SECONDS)

    fails(lambda: call(True, grpc.Compression.NoCompression), grpc.StatusCode.INVALID_ARGUMENT)
    fails(lambda: call(False, grpc.Compression.Gzip), grpc.StatusCode.INVALID_ARGUMENT)
    equal(len(call(True, grpc.Compression.Gzip).payload.body), 314159)
    equal(len(call(False, grpc.Compression.NoCompression).payload.body), 314159)


def server_compressed_unary():
    with counting() as (counted, count):
        for compressed in (True, False):
            before = count()
            request = large(response_compressed=messages.BoolValue(value=compressed))
            equal(counted.UnaryCall(request, timeout=CASE_SECONDS).payload.body, bytes(314159))
            travelled = count() - before
            assert travelled < 31415 if compressed else travelled > 314159, f"{travelled} bytes travelled, compressed: {compressed}"


CASES = (
    empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream, cancel_after_begin, cancel_after_first_response,
    timeout_on_sleeping_server, custom_metadata, status_code_and_message, special_status_message, unimplemented_method, unimplemented_service,
    client_compressed_unary, server_compressed_unary)

for case in CASES:
    try:
        case()
        print(f"pass {case.__name__}", flush=True)
    except Exception as error:  # every failure is a finding, whatever its kind
        print(f"fail {case.__name__}: {type(error).__name__}: {str(error)!r}", flush=True)
CHANNEL.close()
