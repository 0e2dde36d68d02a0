/**
 * A process that posts webhooks over bare TCP: as cheap as a client can be, and the same for every server.
 *
 * 1. Keep-alive, one request under way per connection, no pipelining; closed loop.
 * 2. Each request is the same bytes but for the digits of its room id, which never repeat.
 * 3. Told what to do by IPC, one run at a time; ends when its parent goes.
 */
import type { Socket } from 'bun';

export interface Order {
  port: number;
  path: string;
  /** JSON text that holds ROOM once. */
  body: string;
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

let rooms = 0;

interface Line {
  request: Buffer;
  sentMs: number;
  /** Bytes of the reply's body that are still to come. */
  missing: number;
}

function post(order: Order): Promise<Result> {
  const { port, path, body, connections, runMs } = order;
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const digits = head.length + body.indexOf(ROOM);
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
    rooms += 1;
    line.request.write(String(Number(ROOM) + rooms), digits, 'latin1');
    line.sentMs = nowMs;
    if (socket.write(line.request) !== line.request.length) reject(new Error('a request did not go out in one piece'));
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
      data: { request: Buffer.from(head + body, 'latin1'), sentMs: 0, missing: 0 },
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
