/**
 * A process that posts webhooks over bare TCP: as cheap as a client can be, and the same for every server.
 *
 * 1. Keep-alive, one request under way per connection, no pipelining; closed loop.
 * 2. Requests of one kind are the same bytes but for the digits of the room id.
 * 3. Told what to do by IPC, one run at a time; ends when its parent goes.
 */
import type { Socket } from 'bun';

export interface Order {
  port: number;
  /** `body` is JSON text that holds ROOM once. Each is sent for `cycle` rooms, then the next one for the same rooms. */
  requests: { path: string; body: string }[];
  /** Absent: every request is for a new room. */
  cycle?: number;
  connections: number;
  runMs: number;
}

export interface Result {
  accepted: number;
  refused: number;
  /** From the first request to the last reply. */
  tookMs: number;
  p50Ms: number;
  p99Ms: number;
}

/** Stands in the body for the digits of the room id. */
export const ROOM = '1000000000';

let sent = 0;

interface Prepared {
  bytes: Buffer;
  /** Where the digits of the room id begin. */
  digits: number;
}

interface Line {
  /** One for each of the order's requests. */
  requests: Prepared[];
  sentMs: number;
  /** Bytes of the reply's body that are still to come. */
  missing: number;
}

function post(order: Order): Promise<Result> {
  const { port, requests, cycle = Number.POSITIVE_INFINITY, connections, runMs } = order;
  const prepare = ({ path, body }: Order['requests'][number]): Prepared => {
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    return { bytes: Buffer.from(head + body, 'latin1'), digits: head.length + body.indexOf(ROOM) };
  };
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const tookMs: number[] = [];
  let refused = 0;
  let open = connections;
  const startMs = performance.now();

  function send(socket: Socket<Line>): void {
    const nowMs = performance.now();
    if (nowMs - startMs >= runMs) {
      socket.end();
      open -= 1;
      if (open === 0) resolve(summary(tookMs, refused, nowMs - startMs));
      return;
    }
    const line = socket.data;
    const { bytes, digits } = line.requests[Math.floor(sent / cycle) % requests.length] as Prepared;
    sent += 1;
    bytes.write(String(Number(ROOM) + (sent % cycle)), digits, 'latin1');
    line.sentMs = nowMs;
    if (socket.write(bytes) !== bytes.length) reject(new Error('a request did not go out in one piece'));
  }

  function receive(socket: Socket<Line>, chunk: Buffer): void {
    const line = socket.data;
    if (line.missing > 0) {
      line.missing -= chunk.length;
    } else {
      const end = chunk.indexOf('\r\n\r\n');
      const head = chunk.toString('latin1', 0, end);
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      if (end < 0 || length === undefined) {
        reject(new Error('a reply that this client cannot read'));
        return;
      }
      if (head[9] !== '2') refused += 1;
      line.missing = end + 4 + Number(length) - chunk.length;
    }
    if (line.missing > 0) return;
    tookMs.push(performance.now() - line.sentMs);
    send(socket);
  }

  for (let i = 0; i < connections; i++) {
    Bun.connect<Line>({
      hostname: '127.0.0.1',
      port,
      data: { requests: requests.map(prepare), sentMs: 0, missing: 0 },
      socket: { open: send, data: receive, error: (_, error) => reject(error) },
    }).catch(reject);
  }
  return promise;
}

function summary(tookMs: number[], refused: number, runMs: number): Result {
  const sorted = Float64Array.from(tookMs).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { accepted: tookMs.length - refused, refused, tookMs: runMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}

if (import.meta.main) {
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (order: Order) => process.send?.(await post(order)));
  process.send?.('ready');
}
