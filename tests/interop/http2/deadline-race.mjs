// Races deadlines of a server on loopback with bare HTTP/2, and prints as JSON how often each outcome came, and how many connections were lost.
//   node deadline-race.mjs PORT unary|streams CALLS
// A gRPC client would end such calls by its own clock and never see what the server made of them. This one sends the deadline, waits for
// the answer however long it takes, and sees every reset.
import http2 from "node:http2";

const [port, kind, calls] = process.argv.slice(2);

const CONNECTIONS = 4;
const IN_FLIGHT = 25;

// Wide enough for all that is in flight: what flow control holds back at the deadline a server may only reset.
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 1 << 26;

// A StreamingOutputCallRequest that asks a thousand times (field 2) for a response of 8 bytes (its field 1).
const thousand = Buffer.concat(Array(1000).fill(Buffer.from([0x12, 2, 0x08, 8])));

// Every fortieth unary message follows its headers late, by up to more than the deadline, which counts from the headers. Of a call that it
// ended before the message came a server keeps track for seconds, and with hundreds of them it would rightly refuse further ones.
const lateness = (i) => (i % 40 ? 0 : (i / 40) % 4);

const races = {
  unary: (i) => ({ method: "EmptyCall", timeout: "300u", message: Buffer.alloc(0), lateness: lateness(i) }),
  streams: () => ({ method: "StreamingOutputCall", timeout: "2m", message: thousand, lateness: 0 }),
};

function framed(message) {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** "status N", or why there is none. */
const call = (session, { method, timeout, message, lateness }) =>
  new Promise((resolve) => {
    const stream = session.request({
      ":method": "POST", ":path": `/grpc.testing.TestService/${method}`,
      "content-type": "application/grpc", te: "trailers", "grpc-timeout": timeout,
    });
    let status;
    const read = (headers) => (status ??= headers["grpc-status"]);
    stream.on("response", read).on("trailers", read).on("error", () => {}).resume();
    stream.on("close", () => resolve(status === undefined ? `no answer, reset with ${stream.rstCode}` : `status ${status}`));
    const send = () => stream.end(framed(message));
    lateness ? setTimeout(send, lateness) : send();
  });

async function callMany(race, count) {
  const outcomes = {};
  let lostConnections = 0;
  const lost = () => (lostConnections += 1);
  let next = 0;
  const sessions = Array.from({ length: CONNECTIONS }, () =>
    http2.connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: STREAM_WINDOW } })
      .once("connect", (session) => session.setLocalWindowSize(CONNECTION_WINDOW))
      .on("goaway", lost).on("error", lost));
  await Promise.all(sessions.flatMap((session) => Array.from({ length: IN_FLIGHT }, async () => {
    while (next < count) {
      const outcome = await call(session, race(next++));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  })));
  return { outcomes, lostConnections };
}

console.log(JSON.stringify(await callMany(races[kind], Number(calls))));
process.exit();
