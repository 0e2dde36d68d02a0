/**
 * What a person should be told and shown, by rules over the ledger's health. What was told already is the ledger's to know
 * (lua/note_alerts.lua), and what only time shows is heard in the journal (heard.ts).
 *
 * 1. One alert a code, with a count and the room that has it worst: a thousand rooms that wait long are one alert.
 * 2. What is shown is as it is now: an alert whose condition is away is seen nowhere, though people are told that it is over
 *    only when the condition has been away for a while (watch.ts).
 */
import type { AppConfig } from '../config';
import type { JournalRecord, LedgerHealth } from '../ledger/model';
import type { AlertCode } from '../ledger/verdicts';
import { Heard } from './heard';

/** An alert whose condition holds. */
export interface Alert {
  code: AlertCode;
  count: number;
  /** The room that has it worst, and since when it waits or is parked; null: it is about none. */
  room: { id: string; sinceMs: number } | null;
}

export interface ShownAlert extends Alert {
  /** When it was raised; its condition may have been away since then, for less than that while. */
  sinceMs: number;
}

const MINUTE_MS = 60_000;

/** Ms for which a condition must hold before it is worth a word: calls that fail for a moment are tried again anyway. */
export const LASTS_MS: Partial<Record<AlertCode, number>> = { nobody_online: MINUTE_MS, qiscus_refuses: 30_000 };

/** What the rules go by. */
export type AlertRules = Pick<AppConfig, 'alerts' | 'rosterSyncSeconds'>;

const OLD_ROSTER_PERIODS = 6;

/** Is the list of agents so old, or not read yet, that nobody knows who is online? */
export function isRosterOld(
  { rosterAgeMs }: LedgerHealth,
  { rosterSyncSeconds }: Pick<AppConfig, 'rosterSyncSeconds'>,
) {
  return rosterAgeMs === null || rosterAgeMs > OLD_ROSTER_PERIODS * rosterSyncSeconds * 1000;
}

/** The alerts whose conditions hold in this reading. */
export function alertsIn(health: LedgerHealth, heard: Heard, config: AlertRules): Alert[] {
  const { atMs, waiting, parked, agents, qiscus } = health;
  const rules = config.alerts;
  const found: Alert[] = [];
  const add = (holds: boolean, code: AlertCode, count: number, room: Alert['room'] = null) => {
    if (holds) found.push({ code, count, room });
  };
  const roomOf = (id: string | null, ageMs: number) => (id === null ? null : { id, sinceMs: atMs - ageMs });
  const oldest = roomOf(health.oldestWaitingRoomId, health.oldestWaitingMs);
  const waitsLong = waiting > 0 && health.oldestWaitingMs >= rules.waitMinutes * MINUTE_MS;
  add(waitsLong, 'room_waiting_long', waiting, oldest);
  // By an old list nobody is to be woken: the list is what has to be mended.
  const isNobodyOnline = agents.online === 0 && !isRosterOld(health, config);
  add(waiting > 0 && isNobodyOnline, 'nobody_online', waiting, oldest);
  add(qiscus.state === 'denied' || qiscus.state === 'open', 'qiscus_refuses', qiscus.failures);
  add(parked > 0, 'room_parked', parked, roomOf(health.oldestParkedRoomId, health.oldestParkedMs));
  const repairs = heard.repairs(atMs);
  add(repairs >= rules.drift, 'drift', repairs);
  const { silenceMinutes } = rules;
  const silentMs = heard.silentMs(atMs);
  const isSilent = silenceMinutes !== null && silentMs >= silenceMinutes * MINUTE_MS;
  add(isSilent, 'no_webhooks', Math.floor(silentMs / MINUTE_MS));
  return found;
}

/** The alerts to be shown, in the order in which they were raised: those whose conditions hold in this reading. */
export function alertsShown(health: LedgerHealth, config: AlertRules): ShownAlert[] {
  if (health.alerts.length === 0) return [];
  const found = alertsIn(health, Heard.of(health.watch), config);
  return health.alerts.flatMap(({ code, sinceMs }) =>
    found.filter((alert) => alert.code === code).map((alert) => ({ ...alert, sinceMs })),
  );
}

/** What is the matter, and what is counted. */
const WORDS: Record<AlertCode, [what: string, counted: string]> = {
  room_waiting_long: ['a customer has waited for long', 'rooms in line'],
  nobody_online: ['everybody is offline or paused, and customers wait', 'rooms in line'],
  qiscus_refuses: ['Qiscus refuses our calls or does not answer', 'failed in a row'],
  room_parked: ['rooms are parked and need a person', 'parked'],
  drift: ['webhooks are lost', 'differences from Qiscus mended within an hour'],
  no_webhooks: ['no allocation webhook comes', 'minutes without one'],
};
const ERRORS: readonly string[] = ['nobody_online', 'qiscus_refuses'] satisfies AlertCode[];

/** What an alert is about, and what its count counts. @param code one of a newer version stands for itself */
export function alertWords(code: string): [what: string, counted: string] {
  return Object.entries(WORDS).find(([known]) => known === code)?.[1] ?? [code, 'count'];
}

/** The line of the log that a journal record of an alert becomes; null: it is about no alert. */
export function alertLine({ event, atMs, fields }: JournalRecord): { level: 'warn' | 'error'; text: string } | null {
  if (!event.startsWith('alert.')) return null;
  const { code = '', count = '', since, until } = fields;
  const [what, counted] = alertWords(code);
  const lastedMs = (until === undefined ? atMs : Number(until)) - Number(since);
  const lasted = `${Math.max(1, Math.round(lastedMs / MINUTE_MS))} min`;
  // That it is over is for whoever was told of it.
  if (event === 'alert.cleared') return { level: 'warn', text: `over after ${lasted}: ${what}` };
  const again = event === 'alert.repeated' ? `still, after ${lasted}: ` : '';
  return { level: ERRORS.includes(code) ? 'error' : 'warn', text: `${again}${what}; ${counted}: ${count}` };
}
