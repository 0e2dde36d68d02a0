/**
 * A Redis, a Qiscus with people (city.ts) and a program that serves them, all processes of their own: our service, or one
 * of the baselines.
 *
 * `stop` ends all of it, also what was started before a step failed.
 */
import { startTestRedis } from '../support/redis';
import { APP_ID, caller, environment, freePort, QISCUS_SECRET, spawnService } from '../support/service';
import { until } from '../support/wait';
import type { CityOrder, CityReport } from './city';
import { type Child, startChild } from './processes';

export interface Scene {
  city: Child<CityOrder, CityReport>;
  /** Of the program that takes the webhooks. */
  port: number;
  redisPort: number;
  stop(): Promise<void>;
}

export interface SceneOptions {
  serve: 'service' | 'bullmq' | 'relay' | 'peer';
  agents: number;
  /** Rooms per agent. */
  limit: number;
  env?: Record<string, string>;
}

/** Resolves when webhooks can come. */
export async function openScene({ serve, agents, limit, env = {} }: SceneOptions): Promise<Scene> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    const redis = await startTestRedis({ settings: { 'auto-aof-rewrite-percentage': '0' } });
    undo.push(() => redis.stop());
    const city = await startChild<CityOrder, CityReport>('city.ts');
    undo.push(() => city.stop());
    const address = String(city.hello);
    const open = (port: number) => city.ask({ do: 'open', agents, limit, deliverTo: `http://127.0.0.1:${port}` });
    let port = await freePort();
    await open(port);
    if (serve === 'service') {
      const service = await spawnService(
        environment(redis.url, address, {
          PORT: String(port),
          QISCUS_CONCURRENCY: '64',
          QISCUS_MAX_CUSTOMER: String(limit),
          ROSTER_SYNC_SECONDS: '10',
          ...env,
        }),
      );
      undo.push(() => service.kill('SIGTERM'));
      const api = caller(`http://127.0.0.1:${port}`);
      const online = async () =>
        ((await api.get('/agents')).body.agents as { online: boolean }[]).filter((a) => a.online);
      await until(async () => (await online()).length === agents, { what: `${agents} agents online` });
    } else {
      const args = { bullmq: [String(redis.port)], relay: [], peer: [] }[serve];
      const baseline = await startChild<never, never>(`baselines/${serve}.ts`, [
        ...args,
        address,
        APP_ID,
        QISCUS_SECRET,
        String(limit),
      ]);
      undo.push(() => baseline.stop());
      port = Number(baseline.hello);
      await open(port);
    }
    return { city, port, redisPort: redis.port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Opens several at a time; if one fails, the others are stopped. */
export async function openScenes<Name extends string>(wanted: Record<Name, SceneOptions>) {
  const names = Object.keys(wanted) as Name[];
  const opened = await Promise.allSettled(names.map((name) => openScene(wanted[name])));
  const scenes = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => {
    await Promise.all(scenes.map((scene) => scene.stop()));
  };
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return { scenes: Object.fromEntries(names.map((name, i) => [name, scenes[i]])) as Record<Name, Scene>, stop };
}
