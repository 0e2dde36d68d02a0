/**
 * A TCP proxy in front of a Redis that fails on command. It knows connections by the name that the service gives them
 * (`agent-allocation-ingest-…`), so that one kind of them can be hit and the others go on.
 *
 * Stops by `stop()`, with all of its connections.
 */
import { createServer, connect as dial, type Socket } from 'node:net';
import type { Purpose } from '../../src/redis/client';
import { HOST } from './redis-node';

export type Fault =
  /** Accepts, passes nothing on, and never answers. */
  | { kind: 'half_open' }
  /** Requests are passed on and executed; nothing comes back. */
  | { kind: 'mute' }
  /** The request is executed; the connection ends after so many bytes of its answer. */
  | { kind: 'cut_after'; bytes: number }
  /** The connection ends before the request is passed on. */
  | { kind: 'cut_before' };

export interface FaultRules {
  /** Only connections for this purpose; default: all. */
  purpose?: Purpose;
  /** From the first request that holds this text on; default: from now on. The text must fit into one packet. */
  request?: string;
  /** After so many connections were hit it is over; default: lasts until `heal`. Only for cuts. */
  times?: number;
}

export interface FailingProxy {
  port: number;
  /** Connections that a cut ended so far. */
  readonly cuts: number;
  /** Open connections. */
  readonly open: number;
  fail(fault: Fault, rules?: FaultRules): void;
  /** Everything passes again; what a fault swallowed stays lost, and its connections stay as they are. */
  heal(): void;
  stop(): Promise<void>;
}

const NAMED = /agent-allocation-(ingest|command|bell)-/;

/** @param target the port to pass on to, asked anew for each connection */
export async function startProxy(target: () => number): Promise<FailingProxy> {
  let current: { fault: Fault; rules: FaultRules; left: number } | null = null;
  let cuts = 0;
  const sockets = new Set<Socket>();

  function passOn(near: Socket): void {
    const far = dial(target(), HOST);
    let purpose: string | null = null;
    /** The fault that holds this connection; a silent one never lets go. */
    let held: Fault | null = null;
    let answered = 0;
    const close = () => {
      near.destroy();
      far.destroy();
    };
    const cut = () => {
      cuts += 1;
      close();
    };
    const hit = (request: Buffer | null): Fault | null => {
      if (!current || current.left <= 0) return null;
      const { fault, rules } = current;
      if (rules.purpose && rules.purpose !== purpose) return null;
      if (rules.request && !request?.includes(rules.request)) return null;
      // Without a text every packet counts, but a cut needs a request to lose.
      if (request === null && fault.kind.startsWith('cut')) return null;
      current.left -= 1;
      return fault;
    };
    near.on('data', (chunk: Buffer) => {
      purpose ??= NAMED.exec(chunk.toString('latin1'))?.[1] ?? null;
      held ??= hit(chunk);
      if (held?.kind === 'cut_before') return cut();
      if (held?.kind !== 'half_open') far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      held ??= hit(null);
      if (held === null) return near.write(chunk);
      if (held.kind !== 'cut_after') return;
      const part = chunk.subarray(0, held.bytes - answered);
      answered += part.length;
      if (part.length > 0) near.write(part);
      if (answered >= held.bytes) cut();
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        // A silent connection looks alive from here, whatever happens behind it.
        if (socket === near || held === null || held.kind.startsWith('cut')) close();
      });
    }
  }

  const server = createServer(passOn);
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    get cuts() {
      return cuts;
    },
    get open() {
      return sockets.size / 2;
    },
    fail(fault, rules = {}) {
      current = { fault, rules, left: rules.times ?? Number.POSITIVE_INFINITY };
    },
    heal() {
      current = null;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
