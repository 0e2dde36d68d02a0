/**
 * Both webhooks under damaged payloads, over real HTTP, on the service as in production with a real Redis and a sandbox.
 *
 * 1. No 5xx, no hang, no crash; every reply has one of our shapes; what was answered 2xx is in the journal, exactly once.
 * 2. The memory of the process does not grow with the number of payloads.
 *
 * PROOF_SIZE=full: 100,000 payloads, else 10,000; FUZZ_PAYLOADS says another number. FUZZ_SEED: the seed of a run that
 * failed; a new one each time otherwise. A failure names the payload's number: `fuzzRequest(seed, number, token)` makes it
 * again.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { ERROR_CODES } from '../../src/errors';
import { tried } from '../support/evidence';
import { WEBHOOK_TOKEN } from '../support/service';
import { sized } from '../support/size';
import { until } from '../support/wait';
import { fuzzRequest } from './mutate';
import { startTarget, type Target } from './target';
import { type Wire, wire } from './wire';

const PAYLOADS = sized(10_000, 100_000, 'FUZZ_PAYLOADS');
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const CONNECTIONS = 32;
const SAMPLES = 20;

let target: Target;
beforeAll(async () => {
  target = await startTarget({
    env: { WEBHOOK_WAIT_MS: '10', ALLOW_WEAK_DURABILITY: 'true' },
    redis: { appendfsync: 'everysec' },
  });
}, 60_000);
afterAll(() => target.stop());

interface Reply {
  status: number;
  requestId: string;
  body: string;
}

/** The whole reply at the start of the text and its length; null while it is not whole. */
function parseReply(text: string): { reply: Reply; length: number } | null {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const head = text.slice(0, end);
  const bodyLength = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  const length = end + 4 + bodyLength;
  if (text.length < length) return null;
  return {
    reply: {
      status: Number(head.split(' ')[1]),
      requestId: /^x-request-id: (\S+)/im.exec(head)?.[1] ?? '',
      body: text.slice(end + 4, length),
    },
    length,
  };
}

/** One connection that is kept, and opened again when the server has closed it. */
class Sender {
  #line: Wire | null = null;
  #read = 0;

  /** Null: the server closed the connection without a word. */
  async send(bytes: Buffer, what: string): Promise<Reply | null> {
    if (this.#line === null || this.#line.isClosed()) {
      this.#line = await wire(target.port);
      this.#read = 0;
    }
    const line = this.#line;
    line.send(bytes);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within 15 s: ${what}`)), 15_000);
    let found = parseReply(line.text().slice(this.#read));
    while (found === null && !line.isClosed()) {
      await Promise.race([line.news(), late.promise]);
      found = parseReply(line.text().slice(this.#read));
    }
    clearTimeout(timer);
    if (found === null) return null;
    this.#read += found.length;
    if (
      found.reply.status === 413 ||
      /^connection: close/im.test(line.text().slice(-400)) ||
      line.text().length > 100_000
    )
      this.close();
    return found.reply;
  }

  close(): void {
    this.#line?.end();
    this.#line = null;
  }
}

/** What is wrong with a reply; null when it is one of ours. */
function problemOf({ status, body, requestId }: Reply, isHttp: boolean): string | null {
  if (status >= 500) return `status ${status}`;
  // Bun refuses what is no HTTP by itself, without a body.
  if (!isHttp && body === '') return null;
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(body) as Record<string, unknown>;
  } catch {
    return `no JSON: ${status} ${JSON.stringify(body.slice(0, 200))}`;
  }
  if (status === 200 || status === 202) return value.status === 'success' ? null : 'a success that does not say so';
  const codes: Record<string, number> = ERROR_CODES;
  const isOurs = value.status === 'error' && codes[String(value.code)] === status && value.request_id === requestId;
  const keys = Object.keys(value).join();
  return isOurs && keys === 'status,code,message,request_id' ? null : `another shape: ${status} ${body.slice(0, 200)}`;
}

/** Least squares: how `ys` grow with `xs`. */
function slopeOf(xs: number[], ys: number[]): number {
  const mean = (list: number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const over = xs.reduce((sum, x, i) => sum + (x - mx) * ((ys[i] ?? 0) - my), 0);
  return over / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}

test(`[F10 S13 S14 S34 S38] ${PAYLOADS} damaged payloads: our words, nothing lost, no memory kept`, async () => {
  console.log(`fuzz: FUZZ_SEED=${SEED} FUZZ_PAYLOADS=${PAYLOADS}`);
  const problems: string[] = [];
  const statuses = new Map<number, number>();
  const stored: string[] = [];
  const memory: { at: number; mb: number }[] = [];
  let next = 0;
  let refused = 0;

  async function work(sender: Sender): Promise<void> {
    while (next < PAYLOADS && problems.length < 10) {
      const index = next++;
      const { bytes, how, isHttp } = fuzzRequest(SEED, index, WEBHOOK_TOKEN);
      const what = `payload ${index} of seed ${SEED} (${how})`;
      let reply = await sender.send(bytes, what);
      // A machine that stands still for 150 ms is a store that does not answer: what a sender does then is send again.
      for (let again = 0; again < 5 && reply?.status === 503; again += 1) {
        refused += 1;
        reply = await sender.send(bytes, what);
      }
      const problem = reply === null ? (isHttp ? 'closed without a word' : null) : problemOf(reply, isHttp);
      if (problem !== null) problems.push(`${what}: ${problem}`);
      if (reply !== null) {
        statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
        if (reply.status < 300) stored.push(reply.requestId);
      }
      if (index % Math.ceil(PAYLOADS / SAMPLES) === 0) memory.push({ at: index, mb: await target.residentMb() });
    }
    sender.close();
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, () => work(new Sender())));
  expect(problems).toEqual([]);
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${count} × ${status}`);
  console.log(`fuzz: ${counts.join(', ')}; ${refused} sent again`);

  // Everything that was answered 2xx was stored once, and once journalled. (What was refused may have been stored too.)
  // A machine that stands still for a moment refuses what it had in hand; a service that refuses does so all the time.
  expect(refused).toBeLessThan(PAYLOADS / 20);
  const appended = await target.appended();
  expect(appended).toBeGreaterThanOrEqual(stored.length);
  expect(appended).toBeLessThanOrEqual(stored.length + refused);
  expect(new Set(stored).size).toBe(stored.length);
  await until(async () => (await target.client.xlen(target.keys.inbox)) === 0, {
    what: 'the inbox is empty',
    withinMs: 60_000,
  });
  const answered = new Map<string, number>();
  for (let from = '-'; ; ) {
    const page = await target.client.xrange(target.keys.journal, from, '+', 'COUNT', 5_000);
    for (const [, fields] of page) {
      const request = fields[fields.indexOf('request') + 1];
      if (fields.includes('entry') && request) answered.set(request, (answered.get(request) ?? 0) + 1);
    }
    if (page.length < 5_000) break;
    from = `(${page.at(-1)?.[0]}`;
  }
  expect(stored.filter((request) => answered.get(request) !== 1)).toEqual([]);
  expect(answered.size).toBe(appended);
  expect(await target.client.hlen(target.keys.dead)).toBe(0);
  expect(stored.length).toBeGreaterThan(PAYLOADS / 10);

  // The first third is warm-up. What a heap does by itself, and half a kilobyte a payload, is no leak.
  const later = memory.filter(({ at }) => at >= PAYLOADS / 3);
  const thousands = PAYLOADS / 1_500;
  const xs = later.map(({ at }) => at / 1_000);
  const grownMb =
    thousands *
    slopeOf(
      xs,
      later.map(({ mb }) => mb),
    );
  console.log(
    `fuzz: memory ${memory.map(({ mb }) => mb.toFixed(0)).join(' ')} MB; the line through it rises ${grownMb.toFixed(1)} MB`,
  );
  expect(grownMb).toBeLessThan(25 + 0.5 * thousands);
  tried(PAYLOADS, 'F10');
}, 900_000);
