/** What Qiscus says of our app when an admin logs in: which webhooks it calls. The answer's secrets end here. */
import { classifyFailure, decodeRegistered, isSuccess } from './answers';
import type { Call } from './call';
import type { QiscusFailure, RegisteredWebhook } from './model';

export const LOGIN_PATH = '/api/v1/auth';

export interface Registration {
  kind: 'app';
  resolve: RegisteredWebhook;
  /** null: it does not say. */
  allocation: RegisteredWebhook | null;
  /** Qiscus's own automatic assignment; null: it does not say. */
  ownAllocation: boolean | null;
}

/** Logs in, once. */
export async function readRegistration(
  call: Call,
  login: { email: string; password: string },
): Promise<Registration | QiscusFailure> {
  const reply = await call(LOGIN_PATH, { method: 'POST', body: { ...login } });
  if (reply.kind === 'lost') return { kind: 'failed', reason: reply.reason };
  const app = isSuccess(reply.status) ? decodeRegistered(reply.text)?.data.user.app : undefined;
  if (!app) return classifyFailure(reply);
  const { allocate_agent_webhook_url: url, is_agent_allocation_enabled: own } = app;
  return {
    kind: 'app',
    resolve: {
      url: app.mark_as_resolved_webhook_url ?? null,
      enabled: app.is_mark_as_resolved_webhook_enabled ?? false,
    },
    allocation:
      url === undefined
        ? null
        : { url: typeof url === 'string' ? url : null, enabled: app.is_allocate_agent_webhook_enabled === true },
    ownAllocation: typeof own === 'boolean' ? own : null,
  };
}
