/** The steps that a move can ask of the ledger: each is one verb of src/ledger/index.ts, so one script. */
import { TAKEOVERS_BEFORE_PARKING, UNKNOWNS_BEFORE_PARKING } from '../../../src/dispatch/policy';
import { entryOf } from '../../support/entry';
import { roomId } from './books';
import type { At, Step } from './ledger';
import type { Call, Finding, Webhook } from './world';

const UNLIMITED = 1e9;
/** Only what the step made look abandoned is idle for so long. */
const CLAIM_MS = 1e9;

function fieldsOf({ kind, room, service }: Webhook): string[] {
  const same = { roomId: roomId(room), finishedService: service };
  const webhook =
    kind === 'allocation'
      ? ({ kind, ...same, channelId: null, source: null, customerName: null } as const)
      : ({ kind, ...same, claimedAgentId: null } as const);
  return entryOf(webhook, 'request');
}

const keyOf = ({ kind, room, service }: Webhook) => `${kind[0]}${room}.${service}`;

/** The webhook is appended and applied at once. */
export const arrive = (hook: Webhook): Step => ({
  key: `arrive ${keyOf(hook)}`,
  run(at) {
    at.append(fieldsOf(hook));
    return at.ledger.takeEntries('new');
  },
});

export const append = (hook: Webhook): Step => ({
  key: `append ${keyOf(hook)}`,
  run(at) {
    at.append(fieldsOf(hook));
    return Promise.resolve('appended');
  },
});

export const apply = (count: number): Step => ({
  key: `apply ${count}`,
  run: (at) => at.ledger.takeEntries('new', count),
});

export const take: Step = { key: 'take', run: (at) => at.ledger.takeIntents(1, 64, UNLIMITED) };

export const tick: Step = {
  key: 'tick',
  run: (at) =>
    at.ledger.advanceClock({
      fallbackAgentId: null,
      fallbackAfterMs: 0,
      waitMaxMs: 1e12,
      keepMarkMs: 1e12,
      journalMs: 1e12,
      journalEntries: 1e6,
    }),
};

export const pass: Step = { key: 'pass' };

export const reclaim = (entry: number): Step => ({
  key: `reclaim ${entry}`,
  run(at) {
    at.age(entry);
    return at.ledger.reclaim(CLAIM_MS, TAKEOVERS_BEFORE_PARKING);
  },
});

/** The real ensureGroups (src/streams/groups.ts), after the group is gone. */
export const regroup: Step = {
  key: 'regroup',
  slow: true,
  run: (at) => at.regroup(),
};

export const pause = (agent: string, paused: 0 | 1): Step => ({
  key: `pause ${agent} ${paused}`,
  run: (at) => at.script('patch_agent', agent, 'keep', paused),
});

/** The report of a call, as the dispatcher makes it. */
export function report(call: Call): Step {
  const { room, agent, entry, token, told } = call;
  return {
    key: `report ${room}${agent}${entry}.${token} ${JSON.stringify(told)}`,
    run: (at) => tell(at, call),
  };
}

function tell(at: At, call: Call): Promise<unknown> {
  const { ledger } = at;
  const intent = at.intent(call.room, call.agent, call);
  if (!call.told) throw new Error('nothing to tell');
  if (call.told.as === 'question') return ledger.answer(intent, call.told.answer, call.told.about);
  const { action } = call.told;
  switch (action.do) {
    case 'confirm':
      // By the script: the verb waits a moment for others that go with it, and a step must send its script at once.
      return at.script('confirm_assignments', intent.id, intent.roomId, intent.agentId, intent.token, action.reason);
    case 'close':
    case 'park':
      return ledger.refuse(intent, action.reason, action.do);
    case 'later':
      return ledger.refuse(intent, action.reason, 'later', at.nowMs + action.delayMs);
    case 'defer': {
      const { kind, sent, delayMs, pauseMs } = action;
      const how = { kind, sent, dueMs: at.nowMs + delayMs, pauseMs, limit: UNKNOWNS_BEFORE_PARKING };
      return ledger.defer(intent, action.reason, how);
    }
    case 'read':
      throw new Error('a reading is not an outcome');
  }
}

/** What the sweep does about one room. */
export const act = ({ verb, room, token }: Finding): Step => ({
  key: `${verb} ${room}.${token}`,
  run(at) {
    const id = roomId(room);
    if (verb === 'adopt') return at.ledger.adopt({ roomId: id, channelId: null, source: null, customerName: null });
    return at.ledger[verb](id, at.token(room, token));
  },
});
