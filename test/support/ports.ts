/**
 * Ports for processes that end and come back to the same one. They lie below those that the kernel gives to whoever asks
 * for any: so nobody takes one while its process is down, which on a busy machine lasts seconds.
 */
import { createServer } from 'node:net';

const FIRST = 20_000;
const COUNT = 12_000;
/** A process of its own asks at random; within one process none is given twice. */
const given = new Set<number>();

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => ('code' in error && error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** A loopback port on which nobody listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}
