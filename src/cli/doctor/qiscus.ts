/**
 * Qiscus, for one app: does it take our credentials, does it call the right place, has it the same time?
 *
 * Asks what the service asks all the time anyway (the list of agents), one login, and the time; changes nothing.
 */
import { type AppConfig, publicUrls } from '../../config';
import { createCall } from '../../qiscus/call';
import { createQiscusClient } from '../../qiscus/client';
import type { QiscusFailure, RegisteredWebhook, RosterAgent } from '../../qiscus/model';
import { type Registration, readRegistration } from '../../qiscus/registration';
import { findWebhook, type WebhookName } from '../../reconcile/webhook';
import { broken, clockFinding, type Finding, ok, warning } from './finding';

const CLOCK_WITHIN_MS = 5_000;
/** The header has whole seconds. */
const HEADER_UNSURE_MS = 1_000;

/** @param many are there several apps? */
export async function checkQiscus(app: AppConfig, many: boolean, nowMs: () => number): Promise<Finding[]> {
  const { secret, email, password, baseUrl, appId, timeoutMs } = app.qiscus;
  const area = many ? `Qiscus ${appId}` : 'Qiscus';
  if (secret === null) return [ok(area, 'no credentials are set: the service plays Qiscus itself (sandbox)')];
  const client = createQiscusClient({ ...app.qiscus, secret });
  const login = email && password ? { email, password } : null;
  const [agents, registration, clock] = await Promise.all([
    client.listAgents(),
    login && readRegistration(createCall(baseUrl, timeoutMs), login),
    checkClock(area, baseUrl, nowMs),
  ]);
  const access =
    agents.kind === 'agents' ? agentFindings(area, agents.agents, app) : [accessFinding(area, agents, baseUrl)];
  return [...access, ...webhookFindings(area, registration, app), ...clock];
}

function accessFinding(area: string, failure: QiscusFailure, baseUrl: string): Finding {
  switch (failure.kind) {
    case 'denied':
      return broken(
        area,
        `refuses QISCUS_APP_ID and QISCUS_SECRET (status ${failure.status})`,
        "Compare them with your app's settings page in the Qiscus dashboard; 402 means that the plan has ended.",
      );
    case 'slowed':
      return warning(
        area,
        'takes no more calls just now (429)',
        'Ask again in a minute; lower QISCUS_RATE_PER_SECOND if it goes on.',
      );
    case 'failed':
      return broken(
        area,
        `cannot be asked at ${baseUrl}: ${failure.reason}`,
        'Check QISCUS_BASE_URL, DNS, proxy and firewall.',
      );
  }
}

/** Qiscus let us in: is there somebody to give rooms to? */
export function agentFindings(
  area: string,
  agents: readonly RosterAgent[],
  { allocation }: Pick<AppConfig, 'allocation'>,
): Finding[] {
  const online = agents.filter((agent) => agent.online).length;
  const idle = agents.filter(({ channelIds }) => channelIds?.length === 0).length;
  const fallback = allocation.fallbackAgentId;
  const found: Finding[] =
    agents.length === 0
      ? [
          broken(
            area,
            'takes our credentials, and lists no agents',
            'Add agents at Qiscus: admins and supervisors get no rooms.',
          ),
        ]
      : [ok(area, `takes our credentials; ${agents.length} agents, ${online} of them online`)];
  if (agents.length > 0 && idle === agents.length)
    found.push(broken(area, 'no agent may serve a channel', 'Give channels to the agents at Qiscus.'));
  if (fallback !== null && !agents.some(({ id }) => id === fallback))
    found.push(
      broken(
        area,
        'QISCUS_AGENT_ID is none of its agents',
        'Set it to the id of an agent as Qiscus has it, or take it and FALLBACK_AFTER_SECONDS away.',
      ),
    );
  return found;
}

export const SET_RESOLVE = 'Set it as step 6 of README, "Connect it to Qiscus", says.';
const SWITCH_OFF = 'Switch it off in the Qiscus dashboard.';
const GO_LIVE = 'For a dry run this may be meant; mend it before you go live (README, "Connect it to Qiscus").';
const setAllocation = (address: string) =>
  `Enter ${address} in the Qiscus dashboard, Settings, Custom Agent Allocation, and switch it on.`;

/** Does it call us? */
export function webhookFindings(
  area: string,
  registration: Registration | QiscusFailure | null,
  app: AppConfig,
): Finding[] {
  if (registration === null)
    return [
      warning(
        area,
        'whether it calls us is not checked: QISCUS_EMAIL and QISCUS_PASSWORD are not set',
        'Set both: they also mend the resolve webhook.',
      ),
    ];
  if (registration.kind === 'denied')
    return [
      broken(
        area,
        `refuses QISCUS_EMAIL and QISCUS_PASSWORD (status ${registration.status})`,
        "They must be an admin's, without a second factor.",
      ),
    ];
  if (registration.kind !== 'app')
    return [warning(area, 'the login failed, so its webhooks are not checked', 'Ask again in a minute.')];
  const { allocation, ownAllocation, resolve } = registration;
  const ours = publicUrls(app, null);
  const mend = setAllocation(publicUrls(app, '<WEBHOOK_TOKEN>')?.allocation ?? 'its address');
  const found = [
    webhookFinding(area, 'mark_as_resolved', resolve, ours?.markAsResolved ?? null, SET_RESOLVE),
    allocation === null
      ? warning(area, 'does not say where its allocation webhook goes', mend)
      : webhookFinding(area, 'agent_allocation', allocation, ours?.allocation ?? null, mend),
    ...(ownAllocation === true
      ? [broken(area, 'its own automatic assignment is on: two would decide', SWITCH_OFF)]
      : []),
  ];
  // A dry run stands beside what assigns today, and may get its webhooks another way.
  const hint = (one: Finding): Finding => (one.level === 'broken' ? { ...one, level: 'warning', mend: GO_LIVE } : one);
  return app.dryRun ? found.map(hint) : found;
}

/** Only the host of what is registered is told: there are tokens in the path, perhaps another service's. */
function webhookFinding(
  area: string,
  name: WebhookName,
  registered: RegisteredWebhook,
  ours: string | null,
  mend: string,
): Finding {
  const host =
    registered.url !== null && URL.canParse(registered.url) ? new URL(registered.url).host : 'something that is no URL';
  switch (findWebhook(registered, ours, name)) {
    case 'ok':
      return ok(
        area,
        `its ${name} webhook comes here${ours === null ? ` (to ${host}; PUBLIC_BASE_URL is not set)` : ''}`,
      );
    case 'unset':
      return broken(area, `it has no ${name} webhook`, mend);
    case 'disabled':
      return broken(area, `its ${name} webhook is switched off`, mend);
    case 'elsewhere':
      return broken(area, `its ${name} webhook goes elsewhere: to ${host}, or another path there`, mend);
  }
}

/** Compares the time in Qiscus's answers with ours; says nothing when there is none. */
async function checkClock(area: string, baseUrl: string, nowMs: () => number): Promise<Finding[]> {
  try {
    const beforeMs = nowMs();
    const answer = await fetch(baseUrl, {
      redirect: 'manual',
      signal: AbortSignal.timeout(CLOCK_WITHIN_MS),
    });
    const afterMs = nowMs();
    await answer.body?.cancel();
    const theirMs = Date.parse(answer.headers.get('date') ?? '');
    if (Number.isNaN(theirMs)) return [];
    return [clockFinding(area, theirMs - (beforeMs + afterMs) / 2, (afterMs - beforeMs) / 2 + HEADER_UNSURE_MS)];
  } catch {
    // That it is out of reach is said by what was really asked.
    return [];
  }
}
