/**
 * Runs the service in a network of its own, in which there is nothing but this machine, gives it every refused URL and one
 * that is allowed, and counts in the kernel what it tried to reach. Started by callback-url.test.ts with `unshare -rn`.
 *
 * Prints one line of JSON: what was counted. Ends by itself.
 */

import { dlopen, FFIType, ptr } from 'bun:ffi';
import { readFileSync } from 'node:fs';
import { startTestRedis } from '../support/redis';
import { ADMIN_TOKEN, environment, startTestSandbox, startTestService } from '../support/service';
import { raw } from './wire';

export interface Counted {
  /** TCP connections begun, without the tests' own and those to the sandbox. */
  connections: number;
  /** UDP datagrams sent: a name that was asked for. */
  datagrams: number;
  /** Packets for which this network has no way: whatever wanted to leave the machine. */
  unroutable: number;
}

/** Switches `lo` on, which needs no program but two calls of the system. */
function raiseLoopback(): void {
  const { symbols } = dlopen('libc.so.6', {
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    ioctl: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
  });
  const [AF_INET, SOCK_DGRAM, SIOCSIFFLAGS, UP_AND_RUNNING] = [2, 2, 0x8914, 0x41];
  const request = Buffer.alloc(40);
  request.write('lo');
  request.writeInt16LE(UP_AND_RUNNING, 16);
  if (symbols.ioctl(symbols.socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, ptr(request)) !== 0)
    throw new Error('lo stays down');
}

function counters(): Counted {
  const table = (file: string) => readFileSync(`/proc/net/${file}`, 'utf8').split('\n');
  const lines = table('snmp');
  const read = (group: string, name: string) => {
    const [names = '', values = ''] = lines.filter((line) => line.startsWith(`${group}: `));
    return Number(values.split(' ')[names.split(' ').indexOf(name)]);
  };
  const six = (name: string) =>
    Number(
      table('snmp6')
        .find((line) => line.startsWith(`${name} `) || line.startsWith(`${name}\t`))
        ?.split(/\s+/)[1] ?? 0,
    );
  return {
    connections: read('Tcp', 'ActiveOpens'),
    datagrams: read('Udp', 'OutDatagrams') + six('Udp6OutDatagrams'),
    unroutable: read('Ip', 'OutNoRoutes') + six('Ip6OutNoRoutes'),
  };
}

if (import.meta.main) {
  const { refused, allowed } = JSON.parse(process.env.URLS ?? '{}') as { refused: string[]; allowed: string[] };
  raiseLoopback();
  const redis = await startTestRedis();
  const sandbox = await startTestSandbox();
  // No worker: nothing else is under way while we count.
  const service = await startTestService(environment(redis.url, sandbox.url, { ROLE: 'api' }));
  const port = Number(new URL(service.url ?? '').port);
  const post = async (url: string) => {
    const body = JSON.stringify({ url });
    const head = `POST /api/v1/settings/set_mark_as_resolved HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
    return (await raw(port, head, body)).status;
  };
  const count = async (what: () => Promise<number>): Promise<Counted> => {
    const before = counters();
    const own = await what();
    const after = counters();
    return {
      connections: after.connections - before.connections - own,
      datagrams: after.datagrams - before.datagrams,
      unroutable: after.unroutable - before.unroutable,
    };
  };
  const statuses: number[] = [];
  const postAll = (urls: string[]) => async () => {
    for (const url of urls) statuses.push(await post(url));
    return urls.length;
  };
  const whileRefused = await count(postAll(refused));
  const callsBefore = { ...sandbox.state().calls };
  const whileAllowed = await count(postAll(allowed));
  // That the counters can count: a port that nobody has, a name, an address elsewhere.
  const control = await count(async () => {
    await fetch('http://127.0.0.1:9/').catch(() => null);
    await fetch('http://elsewhere.example/').catch(() => null);
    await fetch('http://192.0.2.1/').catch(() => null);
    return 0;
  });
  console.log(
    JSON.stringify({ statuses, whileRefused, whileAllowed, control, callsBefore, calls: sandbox.state().calls }),
  );
  await service.stop();
  await sandbox.stop();
  await redis.stop();
  process.exit(0);
}
