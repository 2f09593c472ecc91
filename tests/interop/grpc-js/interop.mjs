// Runs the public gRPC interoperability cases of @grpc/grpc-js against a server on loopback.
//   node interop.mjs PORT [CA_FILE]        with a CA file over TLS
// Prints "pass CASE" or "fail CASE: why" for each case.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [port, caFile] = process.argv.slice(2);
const credentials = caFile ? grpc.credentials.createSsl(fs.readFileSync(caFile)) : grpc.credentials.createInsecure();
const protos = path.join(import.meta.dirname, "../../AgentIdentity.InteropHost/protos/test.proto");
const { testing } = grpc.loadPackageDefinition(loader.loadSync(protos, { keepCase: true })).grpc;

const GZIP = { "grpc.default_compression_algorithm": 2 };
const CASE_SECONDS = 20;

const { INVALID_ARGUMENT, UNKNOWN, CANCELLED, DEADLINE_EXCEEDED, UNIMPLEMENTED } = grpc.status;
const zeros = (size) => ({ body: Buffer.alloc(size) });
const within = (seconds) => ({ deadline: Date.now() + seconds * 1000 });
const tlsName = caFile ? { "grpc.ssl_target_name_override": "localhost" } : {};
const connect = (options, to = port, Service = testing.TestService) => new Service(`127.0.0.1:${to}`, credentials, { ...tlsName, ...options });

/** One request, one response. */
const unary = (client, method, request, metadata = new grpc.Metadata()) =>
  new Promise((resolve, reject) => {
    const outcome = {};
    const call = client[method](request, metadata, within(CASE_SECONDS), (error, response) => {
      outcome.response = response;
      if (error) reject(error);
    });
    call.on("metadata", (initial) => (outcome.initial = initial));
    call.on("status", (status) => status.code === grpc.status.OK && resolve({ ...outcome, trailing: status.metadata }));
  });

/** Everything that a stream brings until its status. */
const drained = (call, onMessage = () => {}) =>
  new Promise((resolve) => {
    const outcome = { messages: [] };
    call.on("metadata", (initial) => (outcome.initial = initial));
    call.on("data", (message) => {
      outcome.messages.push(message);
      onMessage(message, outcome.messages.length);
    });
    call.on("error", () => {}); // the status says it again
    call.on("status", (status) => resolve({ ...outcome, status }));
  });

const fails = (promise, code, details) =>
  assert.rejects(promise, (error) => error.code === code && (details === undefined || error.details === details));

const sizes = (messages) => messages.map((message) => message.payload.body.length);

/** Counts the bytes that the server sends through it: the only witness of compression that an application has. */
async function counting(use) {
  let bytes = 0;
  const proxy = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    near.pipe(far).pipe(near);
    far.on("data", (data) => (bytes += data.length));
    for (const socket of [near, far]) socket.on("error", () => [near, far].forEach((s) => s.destroy()));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const client = connect({}, proxy.address().port);
  try {
    await use(client, () => bytes);
  } finally {
    client.close();
    proxy.close();
  }
}

const client = connect();
const large = { response_size: 314159, payload: zeros(271828) };

const cases = {
  async empty_unary() {
    assert.deepEqual((await unary(client, "EmptyCall", {})).response, {});
  },
  async large_unary() {
    const { response } = await unary(client, "UnaryCall", large);
    assert.deepEqual(response.payload.body, Buffer.alloc(314159));
  },
  async client_streaming() {
    const answer = new Promise((resolve, reject) => {
      const call = client.StreamingInputCall(within(CASE_SECONDS), (error, response) => (error ? reject(error) : resolve(response)));
      for (const size of [27182, 8, 1828, 45904]) call.write({ payload: zeros(size) });
      call.end();
    });
    assert.equal((await answer).aggregated_payload_size, 74922);
  },
  async server_streaming() {
    const wanted = [31415, 9, 2653, 58979];
    const request = { response_parameters: wanted.map((size) => ({ size })) };
    const { messages, status } = await drained(client.StreamingOutputCall(request, within(CASE_SECONDS)));
    assert.deepEqual(sizes(messages), wanted);
    assert.equal(status.code, grpc.status.OK);
  },
  async ping_pong() {
    const rounds = [[31415, 27182], [9, 8], [2653, 1828], [58979, 45904]];
    const call = client.FullDuplexCall(within(CASE_SECONDS));
    const send = ([size, sent]) => call.write({ response_parameters: [{ size }], payload: zeros(sent) });
    send(rounds[0]);
    const { messages, status } = await drained(call, (_, count) => (count < rounds.length ? send(rounds[count]) : call.end()));
    assert.deepEqual(sizes(messages), rounds.map(([size]) => size));
    assert.equal(status.code, grpc.status.OK);
  },
  async empty_stream() {
    const call = client.FullDuplexCall(within(CASE_SECONDS));
    call.end();
    const { messages, status } = await drained(call);
    assert.equal(messages.length, 0);
    assert.equal(status.code, grpc.status.OK);
  },
  async cancel_after_begin() {
    const answer = new Promise((resolve, reject) => {
      const call = client.StreamingInputCall(within(CASE_SECONDS), (error, response) => (error ? reject(error) : resolve(response)));
      call.cancel();
    });
    await fails(answer, CANCELLED);
  },
  async cancel_after_first_response() {
    const call = client.FullDuplexCall(within(CASE_SECONDS));
    call.write({ response_parameters: [{ size: 31415 }], payload: zeros(27182) });
    const { messages, status } = await drained(call, () => call.cancel());
    assert.deepEqual(sizes(messages), [31415]);
    assert.equal(status.code, CANCELLED);
  },
  async timeout_on_sleeping_server() {
    const call = client.FullDuplexCall(within(0.001));
    call.write({ response_parameters: [{ size: 1, interval_us: 10_000_000 }], payload: zeros(27182) });
    assert.equal((await drained(call)).status.code, DEADLINE_EXCEEDED);
  },
  async custom_metadata() {
    const metadata = new grpc.Metadata();
    metadata.set("x-grpc-test-echo-initial", "test_initial_metadata_value");
    metadata.set("x-grpc-test-echo-trailing-bin", Buffer.from("ababab", "hex"));
    const check = (initial, trailing) => {
      assert.deepEqual(initial.get("x-grpc-test-echo-initial"), ["test_initial_metadata_value"]);
      assert.deepEqual(trailing.get("x-grpc-test-echo-trailing-bin"), [Buffer.from("ababab", "hex")]);
    };
    const once = await unary(client, "UnaryCall", large, metadata);
    check(once.initial, once.trailing);
    const call = client.FullDuplexCall(metadata, within(CASE_SECONDS));
    call.write({ response_parameters: [{ size: 314159 }], payload: zeros(271828) });
    call.end();
    const stream = await drained(call);
    check(stream.initial, stream.status.metadata);
  },
  async status_code_and_message() {
    const response_status = { code: UNKNOWN, message: "test status message" };
    await fails(unary(client, "UnaryCall", { response_status }), UNKNOWN, response_status.message);
    const call = client.FullDuplexCall(within(CASE_SECONDS));
    call.write({ response_status });
    call.end();
    const { status } = await drained(call);
    assert.deepEqual([status.code, status.details], [UNKNOWN, response_status.message]);
  },
  async special_status_message() {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    await fails(unary(client, "UnaryCall", { response_status: { code: UNKNOWN, message } }), UNKNOWN, message);
  },
  async unimplemented_method() {
    await fails(unary(client, "UnimplementedCall", {}), UNIMPLEMENTED);
  },
  async unimplemented_service() {
    await fails(unary(connect({}, port, testing.UnimplementedService), "UnimplementedCall", {}), UNIMPLEMENTED);
  },
  async client_compressed_unary() {
    const expecting = (value) => ({ ...large, expect_compressed: { value } });
    const compressing = connect(GZIP);
    await fails(unary(client, "UnaryCall", expecting(true)), INVALID_ARGUMENT);
    await fails(unary(compressing, "UnaryCall", expecting(false)), INVALID_ARGUMENT);
    assert.equal((await unary(compressing, "UnaryCall", expecting(true))).response.payload.body.length, 314159);
    assert.equal((await unary(client, "UnaryCall", expecting(false))).response.payload.body.length, 314159);
    compressing.close();
  },
  async server_compressed_unary() {
    await counting(async (counted, bytes) => {
      for (const value of [true, false]) {
        const before = bytes();
        const { response } = await unary(counted, "UnaryCall", { ...large, response_compressed: { value } });
        assert.deepEqual(response.payload.body, Buffer.alloc(314159));
        const travelled = bytes() - before;
        assert.ok(value ? travelled < 31415 : travelled > 314159, `${travelled} bytes travelled, compressed: ${value}`);
      }
    });
  },
};

for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`pass ${name}`);
  } catch (error) {
    console.log(`fail ${name}: ${String(error.message).replaceAll("\n", " ")}`);
  }
}
process.exit(); // timers of deadlines that no longer matter would keep the process for their full time
