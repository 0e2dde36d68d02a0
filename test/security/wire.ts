/**
 * Raw sockets for tests: bytes go out as they are, because a proper client cannot misbehave.
 *
 * Every socket ends when its test says so, or when the server closes it.
 */
import { connect, type Socket } from 'node:net';
import { until } from '../support/wait';

export type Bytes = string | Uint8Array;

/** One connection and what came back on it. */
export interface Wire {
  socket: Socket;
  /** Everything received so far. */
  text(): string;
  /** Statuses of the replies received so far. */
  statuses(): number[];
  /** Resolves with the milliseconds since the connection, when the server has closed it. */
  closed: Promise<number>;
  isClosed(): boolean;
  /** Resolves when more has come, or the end. */
  news(): Promise<void>;
  send(...parts: Bytes[]): void;
  end(): void;
}

/** Connects to this machine; resolves when the connection stands. */
export async function wire(port: number): Promise<Wire> {
  let text = '';
  let isClosed = false;
  let news = Promise.withResolvers<void>();
  const tell = () => {
    news.resolve();
    news = Promise.withResolvers<void>();
  };
  const socket = connect(port, '127.0.0.1');
  const startedMs = performance.now();
  const closed = new Promise<number>((resolve) => {
    socket.on('close', () => {
      isClosed = true;
      tell();
      resolve(performance.now() - startedMs);
    });
  });
  // A reset is one way to be refused: `closed` tells.
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    tell();
  });
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return {
    socket,
    text: () => text,
    statuses: () => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1])),
    closed,
    isClosed: () => isClosed,
    news: () => news.promise,
    send(...parts) {
      for (const part of parts) socket.write(part);
    },
    end: () => void socket.destroy(),
  };
}

export interface RawReply {
  /** 0: closed without an answer. */
  status: number;
  head: string;
  body: string;
}

/** Sends the parts and resolves with the one reply: complete, or cut by the server. */
export async function raw(port: number, ...parts: Bytes[]): Promise<RawReply> {
  const line = await wire(port);
  line.send(...parts);
  const whole = () => {
    const [head = '', ...rest] = line.text().split('\r\n\r\n');
    const length = /^content-length: (\d+)$/im.exec(head)?.[1];
    const body = rest.join('\r\n\r\n');
    return rest.length > 0 && length !== undefined && body.length >= Number(length);
  };
  await until(() => whole() || line.isClosed(), { what: 'a reply or the end', withinMs: 30_000 });
  line.end();
  const [head = '', ...rest] = line.text().split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: rest.join('\r\n\r\n') };
}

/** The head of a webhook, up to the headers that the test adds. */
export const webhookHead = (token: string, path = '/api/v1/webhook/agent_allocation') =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', `X-Webhook-Token: ${token}`].join(
    '\r\n',
  );

/** The code of one of our error replies; null when the body is none. */
export function codeOf({ body }: RawReply): string | null {
  try {
    const reply: unknown = JSON.parse(body);
    const code = Reflect.get(Object(reply), 'code');
    return typeof code === 'string' ? code : null;
  } catch {
    return null;
  }
}
