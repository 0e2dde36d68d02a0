/** Runs the README's curl examples, in their order, against a service as `npm start` starts it. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServiceProcess, spawnService, temporaryFolder } from '../support/service';
import { until } from '../support/wait';

const root = join(import.meta.dir, '..', '..');
const LIMIT_MS = 60_000;

interface Example {
  line: string;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
  status: number;
  reply: Record<string, unknown>;
}

/** A curl line of the README and the comment below it, `# <status> <part of the reply>`. */
function readExample(command: string, status: string, reply: string): Example {
  const words = [...command.replace(/\\\n\s*/g, ' ').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  );
  const example: Example = {
    line: command,
    method: 'GET',
    url: '',
    headers: {},
    body: null,
    status: Number(status),
    reply: JSON.parse(reply),
  };
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '-X') example.method = words[++i] ?? '';
    else if (word === '-d') example.body = words[++i] ?? '';
    else if (word === '-H') {
      const [name = '', value = ''] = (words[++i] ?? '').split(': ');
      example.headers[name] = value;
    } else if (example.url === '') example.url = word;
    else throw new Error(`The README's example has an argument that this test does not know: ${word}`);
  }
  return example;
}

const examples = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^(curl (?:.*\\\n)*.*)\n# (\d{3}) (\{.*\})$/gm),
].map(([, command = '', status = '', reply = '']) => readExample(command, status, reply));

let service: ServiceProcess;

beforeAll(async () => {
  service = await spawnService({ DATA_DIR: join(temporaryFolder(), 'data') });
  const isReady = async () => (await fetch(`${service.url}/health/ready`).catch(() => null))?.ok === true;
  await until(isReady, { what: 'the service to be ready', withinMs: LIMIT_MS });
}, LIMIT_MS);

afterAll(() => service?.kill('SIGTERM'));

test('there are examples', () => expect(examples.length).toBeGreaterThan(10));

test.each(examples)('$method $url', async ({ method, url, headers, body, status, reply }) => {
  const reached = await fetch(url.replace('http://localhost:3000', service.url), { method, headers, body });
  const found: unknown = await reached.json();
  expect({ status: reached.status, found }).toMatchObject({ status, found: reply });
});

test('ends by SIGTERM with code 0, and what it printed begins with the address', async () => {
  expect(await service.kill('SIGTERM')).toBe(0);
  expect(service.output()).toStartWith(`http://localhost:${new URL(service.url).port} `);
  expect(service.output()).toContain('agent_allocation');
});
