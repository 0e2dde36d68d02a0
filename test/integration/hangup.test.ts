/** SIGHUP of a terminal that is closed: it ends a service that nobody else could stop, and not one that reads apps again. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { appsSuite } from '../support/apps-suite';
import { ask } from '../support/many-apps';
import { ADMIN_TOKEN, freePort } from '../support/service';
import { until } from '../support/wait';

const { parts, start, redisUrl } = appsSuite();

/** A service at a terminal of its own; `hangUp` closes it, as a person closes a window. */
async function atTerminal(env: Record<string, string>) {
  const port = String(await freePort());
  let text = '';
  const child = Bun.spawn([process.execPath, 'src/index.ts', 'api'], {
    cwd: join(import.meta.dir, '../..'),
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env, PORT: port },
    terminal: {
      data(_, data) {
        text += data;
      },
    },
  });
  await until(() => text.includes('/health/ready'), { what: 'the service runs' });
  return { child, url: `http://127.0.0.1:${port}`, hangUp: () => child.terminal?.close() };
}

test('without an apps file: the service stops in order', async () => {
  await start({ ROLE: 'api' });
  const { child, hangUp } = await atTerminal({ REDIS_URL: redisUrl() });
  hangUp();
  try {
    await until(() => child.exitCode !== null, { what: 'the service to stop', withinMs: 30_000 });
    expect(child.exitCode).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});

test('with an apps file: the file is read again, and the service goes on', async () => {
  await start({ ROLE: 'api' });
  const [first, second] = parts.apps.apps.map(parts.apps.entryOf);
  parts.apps.write([first ?? {}]);
  const { child, url, hangUp } = await atTerminal(parts.apps.env);
  try {
    const listed = async () =>
      (await ask('GET', `${url}/api/v1/apps`, { authorization: `Bearer ${ADMIN_TOKEN}` })).body.apps;
    expect(await listed()).toEqual([{ app_id: 'one' }]);
    parts.apps.write([first ?? {}, second ?? {}]);
    hangUp();
    await until(async () => Bun.deepEquals(await listed(), [{ app_id: 'one' }, { app_id: 'two' }]), {
      what: 'two apps',
    });
  } finally {
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  }
});
