/** What only a listening server shows: Bun in front of the app. Raw sockets, because a proper client cannot misbehave. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { LISTEN } from '../../src/app';
import { closedTokens, WEBHOOK } from '../support/config';
import { memoryApp } from '../support/memory-app';

const { app, intake } = memoryApp(closedTokens);
beforeAll(() => {
  app.listen({ ...LISTEN, hostname: '127.0.0.1', port: 0 });
});
afterAll(() => app.stop(true));

/** Sends bytes, answers with what came back until the reply's body ended or the server closed. */
function raw(...parts: (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(app.server?.port ?? 0, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.on('data', (chunk) => {
      text += chunk.toString();
      const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1];
      const body = text.split('\r\n\r\n').slice(1).join('\r\n\r\n');
      if (length !== undefined && body.length >= Number(length)) socket.destroy();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

const POST = [
  'POST /api/v1/webhook/agent_allocation HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/json',
  `X-Webhook-Token: ${WEBHOOK}`,
].join('\r\n');
const statusOf = (reply: string) => Number(reply.split(' ')[1]);
const MEGABYTE = new Uint8Array(1024 * 1024).fill(32);
const CHUNK = [new TextEncoder().encode('100000\r\n'), MEGABYTE, new TextEncoder().encode('\r\n')];

test('[S21 S41] a Host header, dots or an absolute target never carry a request past the gate', async () => {
  for (const head of [
    'GET /api/v1/agents HTTP/1.1\r\nHost: x/docs/',
    'GET /api/v1/agents HTTP/1.1\r\nHost: localhost/docs',
    'GET /api/v1/agents HTTP/1.1\r\nHost: x/docs/json?',
    'GET /api/v1/agents HTTP/1.1\r\nHost: x/health/live#',
    'GET /api/v1/agents/agent_01 HTTP/1.1\r\nHost: x/docs/',
    'GET /api/v1/agents/agent_01 HTTP/1.1\r\nHost: x/docs?',
    'GET /docs/../api/v1/agents HTTP/1.1\r\nHost: localhost',
    'GET /docs/%2e%2e/api/v1/agents HTTP/1.1\r\nHost: localhost',
    'GET /docs/..%2fapi/v1/agents HTTP/1.1\r\nHost: localhost',
    'GET /docs\\..\\api/v1/agents HTTP/1.1\r\nHost: localhost',
    'GET //api/v1/agents HTTP/1.1\r\nHost: localhost',
    'GET /API/v1/agents HTTP/1.1\r\nHost: localhost',
    'GET http://localhost/api/v1/agents HTTP/1.1\r\nHost: localhost/docs/',
  ]) {
    const reply = await raw(`${head}\r\n\r\n`);
    expect([400, 401, 404]).toContain(statusOf(reply));
    expect(reply).not.toContain('agent_01');
  }
});

test('a short Host header is fine', async () => {
  expect(statusOf(await raw('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'))).toBe(200);
});

test('[S09] too large, declared: refused in our shape before the body comes', async () => {
  const reply = await raw(`${POST}\r\nContent-Length: 262145\r\n\r\n`);
  expect(statusOf(reply)).toBe(413);
  expect(reply).toContain('"code":"BODY_TOO_LARGE"');
});

test('[S09] 20 MB, declared or chunked, cost no memory to speak of', async () => {
  const before = process.memoryUsage.rss();
  const declared = await raw(`${POST}\r\nContent-Length: ${20 * MEGABYTE.length}\r\n\r\n`, ...Array(20).fill(MEGABYTE));
  const chunked = await raw(`${POST}\r\nTransfer-Encoding: chunked\r\n\r\n`, ...Array(20).fill(CHUNK).flat());
  for (const reply of [declared, chunked]) {
    expect(statusOf(reply)).toBe(413);
    expect(reply).toContain('"code":"BODY_TOO_LARGE"');
  }
  expect(process.memoryUsage.rss() - before).toBeLessThan(200e6);
});

test('a small chunked body is read', async () => {
  const reply = await raw(`${POST}\r\nTransfer-Encoding: chunked\r\n\r\n`, 'd\r\n{"room_id":1}\r\n0\r\n\r\n');
  expect(statusOf(reply)).toBe(200);
});

test('[F12] a body that ends early is not stored', async () => {
  const before = intake.submitted.length;
  await new Promise<void>((resolve) => {
    const socket = connect(app.server?.port ?? 0, '127.0.0.1', () => {
      socket.write(`${POST}\r\nContent-Length: 100\r\n\r\n{"room_id":"1"}`, () => socket.destroy());
    });
    socket.on('close', () => resolve());
  });
  // A whole request behind it shows that the server went on; only that one is stored.
  expect(statusOf(await raw(`${POST}\r\nContent-Length: 13\r\n\r\n{"room_id":1}`))).toBe(200);
  expect(intake.submitted.length).toBe(before + 1);
});

test('[S12] two lengths, or a length and chunks, are refused', async () => {
  const both = await raw(`${POST}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
  const two = await raw(`${POST}\r\nContent-Length: 13\r\nContent-Length: 14\r\n\r\n{"room_id":1}`);
  expect([statusOf(both), statusOf(two)]).toEqual([400, 400]);
});

test('[S15] a compressed body is not inflated', async () => {
  const body = Bun.gzipSync(new TextEncoder().encode('{"room_id":1}'));
  const reply = await raw(`${POST}\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`, body);
  expect(statusOf(reply)).toBe(400);
});

test('[S38] wrong tokens are counted per address, also for webhooks', async () => {
  const wrong = memoryApp(closedTokens);
  wrong.app.listen({ ...LISTEN, hostname: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${wrong.app.server?.port}/api/v1/webhook/agent_allocation?token=`;
  const post = (token: string) =>
    fetch(url + token, { method: 'POST', body: '{"room_id":"1"}', headers: { 'content-type': 'application/json' } });
  const statuses: number[] = [];
  for (let i = 0; i < 101; i += 1) statuses.push((await post('wrong')).status);
  expect(statuses).toEqual([...Array(100).fill(401), 429]);
  expect((await post(WEBHOOK)).status).toBe(200);
  await wrong.app.stop(true);
});
