/**
 * Bare TCP connections that post JSON: as cheap as a sender can be.
 *
 * Keep-alive, one request under way on each, no pipelining; what finds no free connection waits for one, in order.
 */
import type { Socket } from 'bun';

/** A service that is out of breath (503) gets the webhook again after this, ms. */
const AGAIN_MS = 50;

interface State {
  request: Buffer;
  /** Bytes of the reply's body that are still to come. */
  missing: number;
  refused: boolean;
  /** Bytes of the request that the socket did not take yet. */
  rest: Buffer | null;
}

export class Lines {
  /** What went wrong first: an answer other than 2xx and 503, a lost connection. */
  failure: Error | null = null;
  /** Answers with 503. */
  refused = 0;
  readonly #free: Socket<State>[] = [];
  readonly #sockets: Socket<State>[] = [];
  readonly #waiting: Buffer[] = [];
  readonly #port: number;
  /** Webhooks without an answer yet. */
  #under = 0;
  #idle: (() => void) | null = null;

  private constructor(port: number) {
    this.#port = port;
  }

  static async open(port: number, connections: number): Promise<Lines> {
    const lines = new Lines(port);
    await Promise.all(Array.from({ length: connections }, () => lines.#connect()));
    return lines;
  }

  /** Sends soon, and again until it is taken; nobody waits for the answer. */
  post(path: string, body: string): void {
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    this.#under += 1;
    this.#send(Buffer.from(head + body));
  }

  #send(request: Buffer): void {
    this.#waiting.push(request);
    // The one that rests longest: a server closes connections on which nothing comes.
    const socket = this.#free.shift();
    if (socket) this.#next(socket);
  }

  /** Resolves when every answer has come, and closes. @throws Error what went wrong first */
  async close(): Promise<void> {
    if (this.#under > 0 && !this.failure) await new Promise<void>((resolve) => (this.#idle = resolve));
    for (const socket of this.#sockets) socket.terminate();
    if (this.failure) throw this.failure;
  }

  async #connect(): Promise<void> {
    const socket = await Bun.connect<State>({
      hostname: '127.0.0.1',
      port: this.#port,
      data: { request: Buffer.alloc(0), missing: 0, rest: null, refused: false },
      socket: {
        data: (one, chunk) => this.#receive(one, chunk),
        drain: (one) => this.#write(one, one.data.rest),
        error: (_, error) => this.#fail(error),
        end: () => this.#fail(new Error('the server closed a connection')),
      },
    });
    this.#sockets.push(socket);
    this.#free.push(socket);
  }

  #next(socket: Socket<State>): void {
    const request = this.#waiting.shift();
    if (request) {
      socket.data.request = request;
      this.#write(socket, request);
    } else this.#free.push(socket);
  }

  #write(socket: Socket<State>, bytes: Buffer | null): void {
    if (!bytes) return;
    const written = socket.write(bytes);
    socket.data.rest = written < bytes.length ? bytes.subarray(written) : null;
  }

  #receive(socket: Socket<State>, chunk: Buffer): void {
    const { data } = socket;
    if (data.missing > 0) {
      data.missing -= chunk.length;
    } else {
      const end = chunk.indexOf('\r\n\r\n');
      const head = chunk.toString('latin1', 0, Math.max(end, 0));
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      data.refused = head.startsWith('503', 9);
      if (length === undefined || (head[9] !== '2' && !data.refused)) {
        this.#fail(new Error(`a webhook got ${head.slice(9, 40)}`));
        return;
      }
      data.missing = end + 4 + Number(length) - chunk.length;
    }
    if (data.missing > 0) return;
    if (data.refused) {
      this.refused += 1;
      const { request } = data;
      setTimeout(() => this.#send(request), AGAIN_MS);
    } else this.#under -= 1;
    this.#next(socket);
    if (this.#under === 0) this.#idle?.();
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#idle?.();
  }
}
