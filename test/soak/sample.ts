/**
 * What the soak looks at every few seconds: the processes (from /proc, so Linux only), Redis, and times of the journal.
 *
 * CPU and times are of what happened since the look before.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { WebhookKind } from '../../src/qiscus/sandbox/delivery';
import type { RedisClient } from '../../src/redis/client';
import type { Keys } from '../../src/redis/keys';
import { quantile } from '../bench/measure';
import type { Scene } from './scene';
import type { Timekeeper } from './times';

const CLOCK_TICKS_A_SECOND = 100;
const RECORDS_BEFORE = 40;
/** As /proc/net/tcp spells it. */
const ESTABLISHED = '01';

export interface ProcessSample {
  rssMb: number;
  /** Share of one core since the look before. */
  cpu: number;
  /** Open ones; of the api without the connections that senders hold, of which the sandbox keeps as many as it likes. */
  descriptors: number;
}

export interface Times {
  p50: number;
  p99: number;
}

/** Everything at one moment. Times in ms, of what ended since the look before; NaN when nothing did. */
export interface Sample {
  /** Seconds since the traffic began. */
  at: number;
  api: ProcessSample;
  /** The worker that is never restarted, and the other one. */
  worker: ProcessSample;
  restarted: ProcessSample | null;
  redis: ProcessSample;
  /** Share of the whole machine that did nothing. */
  idle: number;
  redisUsedMb: number;
  redisClients: number;
  keys: number;
  inbox: number;
  outbox: number;
  journal: number;
  /** Rooms: known, in line, and what agents hold. */
  rooms: number;
  line: number;
  load: number;
  /** Answers to webhooks; those of an allocation wait for Qiscus. */
  allocationMs: Times;
  resolvedMs: Times;
  /** From the webhook that opened the session to Qiscus's word, waiting in line included. */
  assignedMs: Times;
  /** The same of those for whom an agent was free at once. */
  directMs: Times;
  /** From a webhook in the inbox to its journal record. */
  appliedMs: Times;
}

const timesOf = (values: readonly number[]): Times => ({
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
});

/** Reads one process again and again. @throws Error when it is gone. */
export class Probe {
  readonly #pid: number;
  /** As /proc/net/tcp spells it. */
  readonly #port: string | null;
  #cpuMs: number;
  #atMs = performance.now();

  /** @param port the one on which it listens, if any */
  constructor(pid: number, port?: number) {
    this.#pid = pid;
    this.#port = port === undefined ? null : port.toString(16).toUpperCase().padStart(4, '0');
    this.#cpuMs = this.#cpu();
  }

  read(): ProcessSample {
    const [cpuMs, atMs] = [this.#cpu(), performance.now()];
    const cpu = (cpuMs - this.#cpuMs) / (atMs - this.#atMs);
    [this.#cpuMs, this.#atMs] = [cpuMs, atMs];
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const rssMb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
    return { rssMb, cpu, descriptors: this.#descriptors() };
  }

  #descriptors(): number {
    const folder = `/proc/${this.#pid}/fd`;
    const open = readdirSync(folder);
    if (this.#port === null) return open.length;
    const inbound = new Set<string>();
    for (const row of readFileSync(`/proc/${this.#pid}/net/tcp`, 'utf8').split('\n')) {
      const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/);
      if (state === ESTABLISHED && local.endsWith(`:${this.#port}`)) inbound.add(`socket:[${inode}]`);
    }
    return open.filter((name) => !inbound.has(target(`${folder}/${name}`))).length;
  }

  #cpu(): number {
    const stat = readFileSync(`/proc/${this.#pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_A_SECOND) * 1_000;
  }
}

/** Where a descriptor leads; '' when it was closed meanwhile. */
function target(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Looks at everything and keeps what it saw. */
export class Observer {
  readonly samples: Sample[] = [];
  /** How long webhooks took, filled by the traffic, ms. */
  webhooks: Record<WebhookKind, number[]> = { agent_allocation: [], mark_as_resolved: [] };
  /** What Qiscus saw that must not be, with the records before it. */
  readonly broken: string[] = [];
  #violations = 0;
  /** null while that worker is being restarted. */
  restarted: Probe | null;
  readonly #scene: Scene;
  readonly #times: Timekeeper;
  readonly #api: Probe;
  readonly #worker: Probe;
  readonly #redis: Probe;
  readonly #idle = idleProbe();
  readonly #begunMs = performance.now();

  constructor(scene: Scene, times: Timekeeper) {
    this.#scene = scene;
    this.#times = times;
    this.#api = new Probe(scene.api.pid, Number(new URL(scene.api.url).port));
    this.#worker = new Probe(scene.worker.pid);
    this.#redis = new Probe(scene.redis.pid);
    this.restarted = new Probe(scene.restarted().pid);
  }

  elapsedMs(): number {
    return performance.now() - this.#begunMs;
  }

  /** @throws Error when a process is gone or Redis does not answer */
  async look(): Promise<void> {
    const { client, keys, sandbox } = this.#scene;
    for (const { kind, roomId, agentId, atMs, detail } of sandbox.violations().slice(this.#violations)) {
      this.#violations += 1;
      const before = this.#times.about(roomId, agentId, RECORDS_BEFORE);
      this.broken.push(`Qiscus saw ${kind} at ${atMs}: room ${roomId}, ${agentId}, ${detail}`, ...before);
    }
    const inRedis = await readRedis(client, keys);
    const { assignedMs, directMs, appliedMs } = this.#times.take();
    const { agent_allocation, mark_as_resolved } = this.webhooks;
    this.webhooks = { agent_allocation: [], mark_as_resolved: [] };
    this.samples.push({
      at: this.elapsedMs() / 1_000,
      api: this.#api.read(),
      worker: this.#worker.read(),
      restarted: this.restarted?.read() ?? null,
      redis: this.#redis.read(),
      idle: this.#idle(),
      ...inRedis,
      allocationMs: timesOf(agent_allocation),
      resolvedMs: timesOf(mark_as_resolved),
      assignedMs: timesOf(assignedMs),
      directMs: timesOf(directMs),
      appliedMs: timesOf(appliedMs),
    });
  }
}

/** Reads how idle the machine is, since the look before. */
export function idleProbe(): () => number {
  const look = () => {
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, ...rest] = (
      readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
    )
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return { idle: idle + wait, all: user + nice + system + idle + wait + rest.reduce((sum, n) => sum + n, 0) };
  };
  let before = look();
  return () => {
    const now = look();
    const share = (now.idle - before.idle) / (now.all - before.all);
    before = now;
    return share;
  };
}

/** Sizes of what lies in Redis, read in one go. */
export async function readRedis(client: RedisClient, keys: Keys) {
  const pipeline = client.pipeline().info().dbsize().xlen(keys.inbox).xlen(keys.outbox).xlen(keys.journal);
  const answers = await pipeline.hlen(keys.rooms).zcard(keys.line).zcard(keys.held).exec();
  const [info, ...counts] = (answers ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
  const [total = 0, inbox = 0, outbox = 0, journal = 0, rooms = 0, line = 0, load = 0] = counts.map(Number);
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(String(info))?.[1]);
  return {
    redisUsedMb: number('used_memory') / 2 ** 20,
    redisClients: number('connected_clients'),
    keys: total,
    inbox,
    outbox,
    journal,
    rooms,
    line,
    load,
  };
}
