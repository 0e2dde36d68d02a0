/**
 * A small Qiscus Omnichannel to try the service with and to test it against: real HTTP, its own truth, ordered faults.
 *
 * 1. Answers the calls of Qiscus that client.ts makes, and some that people make by hand (sandbox/api.ts).
 * 2. Sends the webhooks that Qiscus would send, to this machine only (sandbox/delivery.ts).
 * 3. Is moved by a control API under /sandbox (below), the same functions as the object that `startSandbox` returns.
 * 4. May play several Qiscus apps, told apart as Qiscus does, by the header Qiscus-App-Id: each has a truth, faults, webhooks
 *    and a control of its own, and no request can reach into another.
 * 5. Forgets all of it when it ends, unless it is given a file to remember it by (sandbox/memory.ts).
 *
 * `stop` closes the port, drops what hangs and gives up webhooks on their way.
 * Alone: bun src/qiscus/sandbox.ts --port 4000 --deliver-to http://127.0.0.1:3000 (all of OPTIONS: README.md).
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { Api } from './sandbox/api';
import { type Control, createControl, SandboxError } from './sandbox/control';
import { Deliveries, type DeliveryTarget } from './sandbox/delivery';
import { Faults } from './sandbox/faults';
import { createControlHandler } from './sandbox/http';
import { Memory } from './sandbox/memory';
import type { Room, Service } from './sandbox/model';
import { createRandom } from './sandbox/random';
import type { SandboxConfig } from './sandbox/settings';
import { Truth } from './sandbox/truth';

/** What GET /sandbox says. */
const ABOUT = `Control of the Qiscus sandbox: JSON in, JSON out, from this machine only.
GET    /sandbox/state                  the whole truth: agents, rooms, assigns in order, violations, calls, deliveries
POST   /sandbox/reset                  six agents, no rooms, no faults
GET    /sandbox/config                 and PATCH: latencyMs, countLagMs, omitCounts, pagingStyle, pageSize, cursorTies,
                                       ignoreTypeScope, dropWebhooks, payloadStyle, latestService, allocator, cap,
                                       strangerRooms, sameAgentTwice, allocationWebhookUrl, setterNeedsToken, seed
POST   /sandbox/delivery               {"baseUrl":"http://127.0.0.1:3000","webhookToken":"…"}: where webhooks go
POST   /sandbox/rooms                  {"roomId","channelId","source","customerName","text","copies":2,"spreadMs":300,"ageMs"}
GET    /sandbox/rooms/{id}             one room
POST   /sandbox/rooms/{id}/message     {"text","copies","spreadMs","delayMs"}: the customer writes
POST   /sandbox/rooms/{id}/resolve     {"by":"agent|admin|supervisor","notes","copies":0,"delayMs"}: 0 copies: lost
POST   /sandbox/rooms/{id}/assign      {"agentId"}: by an admin's hand; also /remove
GET    /sandbox/agents                 and POST {"id","name","available","channelIds"}
PATCH  /sandbox/agents/{id}            {"available":false} or {"forceOffline":true} or {"channelIds":["272"]}; also DELETE
POST   /sandbox/faults                 {"on":"assign_agent","roomId","times":3,"skip","ratio","effect":"apply_then_500",
                                       "status","body","retryAfter","location","delayMs"}, or a list; also GET, DELETE
                                       effects: status, hang, reset, garbage, truncate, trickle, redirect, and
                                       apply_then_ status, 500, hang, reset, garbage, truncate, trickle
POST   /sandbox/expire_tokens          admin tokens given out so far are refused from now on
Of several apps this is the first one; any of them: /sandbox/apps/{app id}/state, and so on.`;

export interface SandboxOptions {
  appId: string;
  /** Further apps on the same port, with the same secret, login, agents and config. */
  moreAppIds?: readonly string[];
  secret: string;
  /** The admin's login; null or absent: any login is taken. */
  email?: string | null;
  password?: string | null;
  /** named: agent_01 … agent_06; numeric: 150851 … 150856. */
  agentIds: 'named' | 'numeric';
  /** Absent: a free one. */
  port?: number;
  /** Absent: webhooks go nowhere until `setDelivery`. */
  deliverTo?: DeliveryTarget | null;
  /** The file by which the first app remembers rooms, agents and the resolve webhook's address; absent: it does not. */
  memoryFile?: string | null;
  /** What the sandbox starts with, and comes back to at a reset. */
  config?: Partial<SandboxConfig>;
}

/** The control of the first app, and what all apps share. */
export interface Sandbox extends Control {
  /** Where it answers, without a slash at the end. */
  url: string;
  /** The control of one of several apps. @throws Error when it plays no such app */
  app(appId: string): Control;
  stop(): Promise<void>;
}

/** One Qiscus app: what it is, its API, and the hands that move it. */
function openApp(appId: string, options: SandboxOptions, stopped: Promise<void>, memory: Memory | null = null) {
  const { secret, email = null, password = null } = options;
  const truth = new Truth(options.agentIds, options.config, memory);
  const random = createRandom(truth.config.seed);
  const faults = new Faults(random);
  const deliveries = new Deliveries(() => truth.config.dropWebhooks > 0 && random() < truth.config.dropWebhooks);
  const onResolved = (room: Room, service: Service) => void control.tellResolved(room, service, { by: 'admin' });
  const api = new Api({ truth, faults, stopped, onResolved, memory }, { appId, secret, email, password });
  const control = createControl({ truth, api, faults, deliveries }, appId);
  if (options.deliverTo) deliveries.setTarget(options.deliverTo);
  return { api, control, deliveries, handleControl: createControlHandler(control, ABOUT) };
}

/** Starts a sandbox on 127.0.0.1. @throws Error when the port is taken or `deliverTo` is not this machine. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const stopped = Promise.withResolvers<void>();
  const memory = options.memoryFile ? new Memory(options.memoryFile) : null;
  const first = openApp(options.appId, options, stopped.promise, memory);
  const apps = new Map([[options.appId, first]]);
  for (const id of options.moreAppIds ?? []) apps.set(id, openApp(id, options, stopped.promise));
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: options.port ?? 0,
    idleTimeout: 0,
    development: false,
    fetch(request) {
      const { url } = request;
      const start = url.indexOf('/', 8);
      const mark = url.indexOf('?', start);
      const path = mark < 0 ? url.slice(start) : url.slice(start, mark);
      const [control, id] = /^\/sandbox(?:\/apps\/([^/]+))?(?=\/|$)/.exec(path) ?? [];
      if (control !== undefined) {
        const app = id === undefined ? first : apps.get(id);
        return (
          app?.handleControl(request, path.slice(control.length)) ??
          Response.json({ error: 'No such app.' }, { status: 404 })
        );
      }
      // A login names no app, and a stranger's id is refused by whoever is asked.
      const app = apps.get(request.headers.get('qiscus-app-id') ?? '') ?? first;
      return app.api.handle(request, path, mark < 0 ? '' : url.slice(mark + 1));
    },
    error: () => new Response('{"errors":{"message":"the sandbox failed"}}', { status: 500 }),
  });

  return {
    ...first.control,
    app(id) {
      const found = apps.get(id);
      if (!found) throw new SandboxError('The sandbox plays no such app.');
      return found.control;
    },
    url: `http://127.0.0.1:${server.port}`,
    async stop() {
      for (const { deliveries } of apps.values()) deliveries.stop();
      stopped.resolve();
      await server.stop(true);
      memory?.close();
    },
  };
}

/** Of the command line; README.md explains them. */
export const OPTIONS = {
  port: { type: 'string', default: '4000' },
  'deliver-to': { type: 'string' },
  'webhook-token': { type: 'string' },
  'app-id': { type: 'string', multiple: true, default: ['sandbox'] },
  secret: { type: 'string', default: 'sandbox' },
  numeric: { type: 'boolean', default: false },
} satisfies ParseArgsConfig['options'];

if (import.meta.main) {
  const { values } = parseArgs({ options: OPTIONS });
  const target = values['deliver-to'];
  const [appId = 'sandbox', ...moreAppIds] = values['app-id'];
  const sandbox = await startSandbox({
    appId,
    moreAppIds,
    secret: values.secret,
    agentIds: values.numeric ? 'numeric' : 'named',
    port: Number(values.port),
    deliverTo: target === undefined ? null : { baseUrl: target, webhookToken: values['webhook-token'] },
    config: { strangerRooms: 'lenient' },
  });
  console.log(`Qiscus sandbox: ${sandbox.url} (control: ${sandbox.url}/sandbox)`);
  process.on('SIGTERM', () => sandbox.stop());
  // Under npm it comes twice.
  process.on('SIGINT', () => sandbox.stop());
}
