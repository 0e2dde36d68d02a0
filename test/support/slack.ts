/**
 * A fake of Slack's incoming webhook on 127.0.0.1: a real HTTP server that keeps the messages it took.
 *
 * 1. Answers as the test says, one plan after the other, then `ok`: a status, silence, a reset, a redirect to itself.
 * 2. `stop` ends it with all its connections.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type SlackPlan = { status: number; headers?: Record<string, string> } | 'hang' | 'reset';

export async function startFakeSlack() {
  const plans: SlackPlan[] = [];
  const messages: string[] = [];
  const asked: { atMs: number; type: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    asked.push({ atMs: performance.now(), type: request.headers['content-type'] ?? '', body });
    const plan = plans.shift() ?? { status: 200 };
    if (plan === 'hang') return;
    if (plan === 'reset') return void request.socket.destroy();
    if (plan.status === 200) messages.push(JSON.parse(body).text);
    response.writeHead(plan.status, plan.headers).end(plan.status === 200 ? 'ok' : 'no');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/services/T0001/B0001/the-key-of-the-channel`,
    /** Texts of the messages that were answered with 200. */
    messages,
    /** Every request, whatever became of it. */
    asked,
    plan: (...more: SlackPlan[]) => void plans.push(...more),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
