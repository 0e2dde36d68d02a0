/**
 * What a person should be told, by rules over the ledger's health. Pure: what was told already is the ledger's to know
 * (lua/note_alerts.lua), and what only time shows is the watch's (watch.ts).
 *
 * One alert a code, with a count and the room that has it worst: a thousand rooms that wait long are one alert.
 */
import type { AppConfig } from '../config';
import type { JournalRecord, LedgerHealth } from '../ledger/model';
import type { AlertCode } from '../ledger/verdicts';

/** An alert whose condition holds. */
export interface Alert {
  code: AlertCode;
  count: number;
  roomId: string | null;
}

/** What the rules look at. */
export interface Seen {
  health: LedgerHealth;
  /** Differences from Qiscus that were mended within the last hour. */
  repairs: number;
  /** For how long no allocation webhook has come, ms. */
  silentMs: number;
}

const MINUTE_MS = 60_000;

/** Ms for which a condition must hold before it is worth a word: calls that fail for a moment are tried again anyway. */
export const LASTS_MS: Partial<Record<AlertCode, number>> = { nobody_online: MINUTE_MS, qiscus_refuses: 30_000 };

/** The alerts whose conditions hold now. */
export function alertsIn({ health, repairs, silentMs }: Seen, rules: AppConfig['alerts']): Alert[] {
  const { waiting, parked, agents, qiscus } = health;
  const found: Alert[] = [];
  const add = (holds: boolean, code: AlertCode, count: number, roomId: string | null = null) => {
    if (holds) found.push({ code, count, roomId });
  };
  const waitsLong = waiting > 0 && health.oldestWaitingMs >= rules.waitMinutes * MINUTE_MS;
  add(waitsLong, 'room_waiting_long', waiting, health.oldestWaitingRoomId);
  add(waiting > 0 && agents.online === 0, 'nobody_online', waiting, health.oldestWaitingRoomId);
  add(qiscus.state === 'denied' || qiscus.state === 'open', 'qiscus_refuses', qiscus.failures);
  add(parked > 0, 'room_parked', parked, health.oldestParkedRoomId);
  add(repairs >= rules.drift, 'drift', repairs);
  const { silenceMinutes } = rules;
  const isSilent = silenceMinutes !== null && silentMs >= silenceMinutes * MINUTE_MS;
  add(isSilent, 'no_webhooks', Math.floor(silentMs / MINUTE_MS));
  return found;
}

const WORDS: Record<AlertCode, (count: string) => string> = {
  room_waiting_long: (count) => `a customer has waited for long; rooms in line: ${count}`,
  nobody_online: (count) => `nobody is online, and rooms wait in line: ${count}`,
  qiscus_refuses: (count) => `Qiscus refuses our calls or does not answer; failed in a row: ${count}`,
  room_parked: (count) => `rooms are parked and need a person: ${count}`,
  drift: (count) => `webhooks are lost; differences from Qiscus mended within an hour: ${count}`,
  no_webhooks: (count) => `no allocation webhook has come for minutes: ${count}`,
};
const ERRORS: readonly string[] = ['nobody_online', 'qiscus_refuses'] satisfies AlertCode[];

/** The line of the log that a journal record of an alert becomes; null: it is about no alert. */
export function alertLine({ event, fields }: JournalRecord): { level: 'warn' | 'error'; text: string } | null {
  if (!event.startsWith('alert.')) return null;
  const { code = '', count = '' } = fields;
  const say = Object.entries(WORDS).find(([known]) => known === code)?.[1] ?? (() => code);
  // That it is over is for whoever was told of it.
  if (event === 'alert.cleared') return { level: 'warn', text: `over: ${code}` };
  const again = event === 'alert.repeated' ? 'still: ' : '';
  return { level: ERRORS.includes(code) ? 'error' : 'warn', text: `${again}${say(count)}` };
}
