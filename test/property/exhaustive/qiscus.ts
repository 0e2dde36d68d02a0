/**
 * A small exact Qiscus: what the model's rooms do when our calls arrive, and what our own code makes of its answers.
 *
 * 1. What a call asks for (`max_agent`, `replace_latest_agent`) is read off a real request of the real client.
 * 2. Its answers go through the real classification (src/qiscus/answers.ts).
 */
import { classifyAssign } from '../../../src/qiscus/answers';
import { createQiscusClient } from '../../../src/qiscus/client';
import type { AssignOutcome } from '../../../src/qiscus/model';

/** A room at Qiscus. Service ids count from 1 in each room: the session under way will be service `finished + 1`. */
export interface QiscusRoom {
  open: boolean;
  finished: number;
  /** Who is in it, in order; 'h' is a human whom we do not manage. */
  agents: string;
  /** Its agent is there by another's doing: a person's, or a request whose reservation was over when it came. */
  stray: boolean;
}

export interface CallShape {
  maxAgents: number;
  replaces: boolean;
  /** What Qiscus says to an assignment that is already so: not documented, both must do. */
  again: 'yes' | 'exceed';
}

/** Reads how the real client calls: one request to a server of our own. */
export async function readCallShape(again: CallShape['again']): Promise<CallShape> {
  let sent = new URLSearchParams();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      sent = new URLSearchParams(await request.text());
      return new Response('{}');
    },
  });
  const login = { appId: 'app', secret: 'none', email: null, password: null };
  await createQiscusClient({ baseUrl: String(server.url), ...login, timeoutMs: 5_000 }).assignAgent('1', 'a');
  await server.stop(true);
  const most = sent.get('max_agent');
  return {
    maxAgents: most === null ? Number.POSITIVE_INFINITY : Number(most),
    replaces: sent.get('replace_latest_agent') === 'true',
    again,
  };
}

const refusal = (message: string) => ({ status: 400, text: JSON.stringify({ errors: { message } }) });

/** A call arrives: the room after it, and the answer as our code reads it. @param ours made for a reservation that holds */
export function assign(
  room: QiscusRoom,
  agent: string,
  ours: boolean,
  shape: CallShape,
): { room: QiscusRoom; outcome: AssignOutcome } {
  const say = (reply: { status: number; text: string }) =>
    classifyAssign({ kind: 'reply', retryAfterMs: null, ...reply }, agent);
  if (!room.open) return { room, outcome: say(refusal('Room already resolved')) };
  const yes = { status: 200, text: JSON.stringify({ data: { added_agent: { id: agent } } }) };
  const full = refusal("Can't join room, exceed max agents");
  if (room.agents.includes(agent)) {
    const same = ours && room.agents === agent ? { ...room, stray: false } : room;
    return { room: same, outcome: say(shape.again === 'yes' ? yes : full) };
  }
  if (shape.replaces) return { room: { ...room, agents: agent, stray: !ours }, outcome: say(yes) };
  if (room.agents.length >= shape.maxAgents) return { room, outcome: say(full) };
  const joined = { ...room, agents: room.agents + agent, stray: room.stray || !ours };
  return { room: joined, outcome: say(yes) };
}
