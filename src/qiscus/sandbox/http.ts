/**
 * The HTTP side of the control API: which request moves which hand. Described for people in sandbox.ts.
 *
 * 1. Bodies are checked by the schemas in settings.ts; errors say which field is wrong.
 * 2. JSON and a loopback Host only, so that no web page that a developer has open can move the sandbox.
 */
import type { Static, TSchema } from '@sinclair/typebox';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { type Control, SandboxError } from './control';
import {
  ChangeAgent,
  CreateAgent,
  CreateRoom,
  DeliverTo,
  Fault,
  Hand,
  Message,
  Resolve,
  SandboxConfig,
} from './settings';

type Action = (ids: string[], body: unknown) => unknown;

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;
const Faults = Type.Union([Fault, Type.Array(Fault)]);
const ConfigChange = Type.Partial(SandboxConfig);

/** Checks a body and hands it on typed. @throws SandboxError naming the first wrong field. */
function read<T extends TSchema>(schema: T, body: unknown): Static<T> {
  if (Value.Check(schema, body)) return body;
  const wrong = Value.Errors(schema, body).First();
  throw new SandboxError(`Wrong body at ${wrong?.path || 'its root'}: ${wrong?.message}.`);
}

function createRoutes(control: Control, about: string): [method: string, path: RegExp, action: Action][] {
  const { rooms, agents, faults } = control;
  return [
    ['GET', /^$/, () => ({ about: about.split('\n') })],
    ['GET', /^\/state$/, () => control.state()],
    ['POST', /^\/reset$/, () => control.reset()],
    ['GET', /^\/config$/, () => control.configure({})],
    ['PATCH', /^\/config$/, (_, body) => control.configure(read(ConfigChange, body))],
    ['POST', /^\/delivery$/, (_, body) => control.setDelivery(read(DeliverTo, body))],
    ['POST', /^\/expire_tokens$/, () => control.expireTokens()],
    ['GET', /^\/faults$/, () => faults.list()],
    ['POST', /^\/faults$/, (_, body) => faults.add(...[read(Faults, body)].flat())],
    ['DELETE', /^\/faults$/, () => faults.clear()],
    ['POST', /^\/rooms$/, (_, body) => rooms.create(read(CreateRoom, body))],
    ['GET', /^\/rooms\/([^/]+)$/, ([id = '']) => rooms.read(id)],
    ['POST', /^\/rooms\/([^/]+)\/message$/, ([id = ''], body) => rooms.message(id, read(Message, body))],
    ['POST', /^\/rooms\/([^/]+)\/resolve$/, ([id = ''], body) => rooms.resolve(id, read(Resolve, body))],
    ['POST', /^\/rooms\/([^/]+)\/assign$/, ([id = ''], body) => rooms.assign(id, read(Hand, body).agentId)],
    ['POST', /^\/rooms\/([^/]+)\/remove$/, ([id = ''], body) => rooms.remove(id, read(Hand, body).agentId)],
    ['GET', /^\/agents$/, () => agents.list()],
    ['POST', /^\/agents$/, (_, body) => agents.create(read(CreateAgent, body))],
    ['PATCH', /^\/agents\/([^/]+)$/, ([id = ''], body) => agents.change(id, read(ChangeAgent, body))],
    ['DELETE', /^\/agents\/([^/]+)$/, ([id = '']) => agents.remove(id)],
  ];
}

/** Makes the handler of everything under `/sandbox`; `path` is what follows it. */
export function createControlHandler(control: Control, about: string) {
  const routes = createRoutes(control, about);
  return async (request: Request, path: string): Promise<Response> => {
    const isRead = request.method === 'GET';
    if (!LOOPBACK_HOST.test(request.headers.get('host') ?? '')) return fail(403, 'Use a loopback address.');
    if (!isRead && !request.headers.get('content-type')?.startsWith('application/json'))
      return fail(415, 'Send Content-Type: application/json.');
    for (const [method, pattern, action] of routes) {
      const match = method === request.method ? pattern.exec(path) : null;
      if (!match) continue;
      try {
        const text = isRead ? '' : await request.text();
        const ids = match.slice(1).map(decodeURIComponent);
        return Response.json((await action(ids, text === '' ? {} : JSON.parse(text))) ?? { done: true });
      } catch (error) {
        return fail(400, error instanceof Error ? error.message : 'Unreadable request.');
      }
    }
    return fail(404, 'No such control; GET /sandbox lists them.');
  };
}

const fail = (status: number, message: string): Response => Response.json({ error: message }, { status });
