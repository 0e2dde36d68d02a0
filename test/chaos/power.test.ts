/**
 * Power fails: what Redis has written up to some byte of its append-only file is all that is left.
 *
 * 1. Records a busy day with `appendfsync always`, and at each answer and each call of Qiscus how long the file was.
 * 2. Cuts copies of the file: at random bytes, and exactly where it ended when a webhook was answered. Redis loads each.
 * 3. No script is half applied: all invariants hold, and the journal replayed gives the books. Every webhook answered before
 *    the cut is there, applied once or still to be applied.
 * 4. A Qiscus as it was at the cut, senders that repeat what was not answered: the service runs until both books are equal.
 *
 * What a file's length shows is that the bytes were handed to the kernel before the answer left; that Redis also called
 * fsync for them is what `appendfsync always` means, and the service refuses to start in production without it.
 *
 * PROOF_SIZE=full: 200 cuts, each followed by 4; else 40 cuts, every fourth.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { keysOf } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { brokenWhenQuiet } from '../support/invariants';
import { type RedisNode, startNode } from '../support/redis-node';
import {
  APP_ID,
  environment,
  startTestSandbox,
  startTestService,
  temporaryFolder,
  WEBHOOK_TOKEN,
} from '../support/service';
import { isFullSize, sized } from '../support/size';
import { until } from '../support/wait';
import { differences } from './books';
import { chance } from './chance';

const CUTS = sized(40, 200);
const ROOMS = 200;
const LIMIT = 3;
const KEYS = keysOf(APP_ID);
const HEADERS = { 'content-type': 'application/json', 'x-webhook-token': WEBHOOK_TOKEN };
const AOF = { appendonly: 'yes', appendfsync: 'always', save: '', 'auto-aof-rewrite-percentage': '0' };

/** Something that happened at Qiscus, and how many bytes the file had just before (`from`) and after it. */
type Step =
  | { did: 'open'; room: string; channelId: string | null; from: number }
  | { did: 'end'; room: string; from: number }
  | { did: 'assign'; room: string; agent: string; from: number; to: number };

interface Sent {
  path: string;
  body: string;
  /** Bytes of the file when its 2xx had arrived. */
  to: number;
  /** The id of the request that was answered; its entry carries it. */
  request: string;
}

interface Day {
  steps: Step[];
  /** The webhook of each step but `assign`, by `<did> <room>`. */
  sent: Map<string, Sent>;
  /** The data of Redis at the end of the day. */
  data: string;
  bytes: number;
}

const dice = chance();
let redis: RedisNode;
let day: Day;

const incrementOf = (dir: string) => {
  const folder = join(dir, 'appendonlydir');
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.incr.aof')) ?? '');
};

/** Short periods; no sweep, which could find again what was lost. */
function startService(sandboxUrl: string) {
  const env = environment(`redis://127.0.0.1:${redis.port}`, sandboxUrl, { QISCUS_MAX_CUSTOMER: String(LIMIT) });
  return startTestService(env, (config) => {
    Object.assign(config, {
      rosterSyncSeconds: 0.2,
      countLagSeconds: 0.2,
      reconcileSeconds: 3_600,
      outboxClaimMs: 600,
    });
    config.qiscus.timeoutMs = 400;
    config.http.webhookWaitMs = 0;
  });
}

/** As Qiscus's sender would: again, as long as there is no 2xx. */
function sendUntilAnswered(url: string, { path, body }: Pick<Sent, 'path' | 'body'>): Promise<Response> {
  const send = () => fetch(`${url}${path}`, { method: 'POST', headers: HEADERS, body });
  return until(() => send().then((reply) => (reply.ok ? reply : null)), { what: 'a webhook answered' });
}

async function record(): Promise<Day> {
  const steps: Step[] = [];
  const sent = new Map<string, Sent>();
  const sandbox = await startTestSandbox({ cap: LIMIT, latencyMs: 4, seed: dice.seed });
  sandbox.faults.add({ on: 'assign_agent', effect: 'apply_then_500', ratio: 0.05, times: null });
  const file = incrementOf(redis.dir);
  const bytes = () => statSync(file).size;

  const inChat = new Set<string>();
  const qiscus = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const from = bytes();
      const { pathname, search } = new URL(request.url);
      const body = await request.text();
      const { method, headers } = request;
      const reply = await fetch(`${sandbox.url}${pathname}${search}`, { method, headers, body: body || undefined });
      const answer = await reply.text();
      const fields = new URLSearchParams(body);
      const [room = '', agent = ''] = [fields.get('room_id') ?? '', fields.get('agent_id') ?? ''];
      if (pathname.endsWith('/assign_agent') && !inChat.has(room) && sandbox.rooms.read(room).agents.includes(agent)) {
        inChat.add(room);
        steps.push({ did: 'assign', room, agent, from, to: bytes() });
      }
      return new Response(answer, { status: reply.status, headers: { 'content-type': 'application/json' } });
    },
  });
  const service = await startService(`http://127.0.0.1:${qiscus.port}`);
  const sending: Promise<void>[] = [];
  const post = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { pathname: path } = new URL(request.url);
      const body = await request.text();
      const letter: Sent = { path, body, to: Number.POSITIVE_INFINITY, request: '' };
      const { room_id, service: ended } = JSON.parse(body) as { room_id?: string; service?: { room_id: string } };
      sent.set(ended ? `end ${ended.room_id}` : `open ${room_id}`, letter);
      const deliver = async () => {
        const reply = await sendUntilAnswered(service.url ?? '', letter);
        letter.to = bytes();
        letter.request = reply.headers.get('x-request-id') ?? '';
      };
      sending.push(deliver());
      return new Response();
    },
  });
  sandbox.setDelivery({ baseUrl: `http://127.0.0.1:${post.port}`, webhookToken: WEBHOOK_TOKEN });

  for (let opened = 0, ended = 0; ended < ROOMS - 10; ) {
    for (let n = 0; n < 4 && opened < ROOMS; n++, opened++) {
      const [room, channelId] = [`room-${opened}`, dice.pick([null, '5603', '272'])];
      steps.push({ did: 'open', room, channelId, from: bytes() });
      await sandbox.rooms.create({ roomId: room, channelId });
    }
    for (const room of [...inChat].filter(() => dice.next() < 0.3)) {
      if (sandbox.rooms.read(room).agents.length === 0) continue;
      steps.push({ did: 'end', room, from: bytes() });
      await sandbox.rooms.resolve(room);
      ended += 1;
    }
    await Bun.sleep(5);
  }
  await Promise.all(sending);
  await service.stop();
  const data = temporaryFolder('aof');
  const total = bytes();
  await redis.kill('SIGKILL');
  cpSync(join(redis.dir, 'appendonlydir'), data, { recursive: true });
  await redis.restart();
  await Promise.all([qiscus.stop(true), post.stop(true), sandbox.stop()]);
  return { steps, sent, data, bytes: total };
}

beforeAll(async () => {
  redis = await startNode({ settings: AOF });
  day = await record();
}, 60_000);
afterAll(() => redis.stop());

/** Redis as it comes back when only `bytes` of its file were left. */
async function cutAt(bytes: number): Promise<void> {
  await redis.kill('SIGKILL');
  const folder = join(redis.dir, 'appendonlydir');
  rmSync(folder, { recursive: true });
  cpSync(day.data, folder, { recursive: true });
  const file = incrementOf(redis.dir);
  writeFileSync(file, readFileSync(file).subarray(0, bytes));
  await redis.restart();
  await until(async () => (await redis.admin.ping()) === 'PONG', { what: 'Redis back' });
}

/** Qiscus as it was then: a call that was on its way when the power failed may have arrived. */
async function qiscusAt(bytes: number): Promise<Sandbox> {
  const sandbox = await startTestSandbox({ cap: LIMIT });
  for (const step of day.steps) {
    const { did, room, from } = step;
    if (from > bytes) continue;
    if (did === 'open') await sandbox.rooms.create({ roomId: room, channelId: step.channelId, copies: 0 });
    else if (did === 'end') await sandbox.rooms.resolve(room, { copies: 0 });
    else if (step.to <= bytes || dice.next() < 0.5) sandbox.rooms.assign(room, step.agent);
  }
  return sandbox;
}

/** What is wrong with the books as they lie in Redis; empty when nothing is. */
async function wrongAt(bytes: number): Promise<string[]> {
  const client = redis.admin;
  const found = await brokenWhenQuiet(client, KEYS, null, []);
  const named = (entries: [string, string[]][], name: string) =>
    entries.flatMap(([, fields]) => (fields.includes(name) ? [fields[fields.indexOf(name) + 1] ?? ''] : []));
  const journal = await client.xrange(KEYS.journal, '-', '+');
  const inbox = await client.xrange(KEYS.inbox, '-', '+');
  const there = new Set([...named(journal, 'request'), ...named(inbox, 'request')]);
  for (const { to, request, path } of day.sent.values()) {
    if (to <= bytes && !there.has(request)) found.push(`answered and lost: ${path} ${request}`);
  }
  return found;
}

/** Lets the service go on from there; resolves to what is still different when it should be quiet. */
async function goOn(bytes: number): Promise<string[]> {
  const sandbox = await qiscusAt(bytes);
  const service = await startService(sandbox.url);
  try {
    for (const { did, room, from } of day.steps) {
      const letter = day.sent.get(`${did} ${room}`);
      if (letter && from <= bytes && letter.to > bytes) await sendUntilAnswered(service.url ?? '', letter);
    }
    const rooms = sandbox.state().rooms.map(({ id }) => id);
    let found: string[] = [];
    const isQuiet = async () => {
      found = await differences(redis.admin, sandbox, rooms);
      return found.length === 0;
    };
    await until(isQuiet, { what: 'both books equal', withinMs: 20_000 }).catch(() => undefined);
    return [...found, ...sandbox.state().violations.map(({ kind, detail }) => `${kind}: ${detail}`)];
  } finally {
    await service.stop();
    await sandbox.stop();
  }
}

test(
  '[F08 F62] whatever byte the file ends at: nothing answered is lost, no script is half applied, and the books meet again',
  async () => {
    console.log(`power: seed ${dice.seed}, ${CUTS} cuts of ${day.bytes} bytes, ${day.sent.size} webhooks`);
    const answered = [...day.sent.values()].map(({ to }) => to).filter(Number.isFinite);
    let resumed = 0;
    for (let cut = 0; cut < CUTS; cut++) {
      const bytes = cut % 2 === 0 ? dice.pick(answered) : dice.between(0, day.bytes);
      await cutAt(bytes);
      expect({ cut, bytes, wrong: await wrongAt(bytes) }).toEqual({ cut, bytes, wrong: [] });
      if (!isFullSize && cut % 4 > 0) continue;
      expect({ cut, bytes, left: await goOn(bytes) }).toEqual({ cut, bytes, left: [] });
      resumed += 1;
    }
    console.log(
      JSON.stringify({
        test: 'power',
        seed: dice.seed,
        cuts: CUTS,
        resumed,
        bytes: day.bytes,
        webhooks: day.sent.size,
      }),
    );
    tried(CUTS, 'F08');
    tried(CUTS, 'F62');
  },
  60_000 + CUTS * 25_000,
);
