/**
 * Counters and histograms that follow the journal: one record per webhook and per change, read by every process alike.
 *
 * 1. Every process that answers HTTP counts all of an app's records: take one of them or the largest, never their sum.
 * 2. Labels have a few values each (ledger/meaning.ts): no room, no agent. Those of an only app begin at 0, so that the first
 *    one is an increase too; of a thousand apps that would be 40,000 lines of nothing.
 */
import { Counter, Histogram, type Registry } from 'prom-client';
import {
  CALLS,
  callOf,
  confirmationMsOf,
  DUPLICATES,
  duplicateOf,
  OUTCOMES,
  outcomeOf,
  REFUSALS,
  REPAIRS,
  refusalOf,
  repairOf,
  waitOf,
  webhookKindOf,
} from '../../ledger/meaning';
import type { JournalRecord } from '../../ledger/model';
import { ALERT_CODES } from '../../ledger/verdicts';

/** Name, help, label, its values, and the value that a record counts for. */
const COUNTERS: [string, string, string, readonly string[], (record: JournalRecord) => string | null][] = [
  [
    'caa_webhooks_accepted_total',
    'Webhooks that were accepted, counted when the ledger has looked at them.',
    'kind',
    ['allocation', 'resolved'],
    webhookKindOf,
  ],
  ['caa_room_outcomes_total', 'What became of rooms, step by step.', 'outcome', OUTCOMES, outcomeOf],
  ['caa_duplicates_total', 'Webhooks that changed nothing.', 'kind', DUPLICATES, duplicateOf],
  ['caa_repairs_total', 'Differences from Qiscus that were found and mended.', 'kind', REPAIRS, repairOf],
  ['caa_refusals_total', 'Definite refusals of a room by Qiscus.', 'reason', REFUSALS, refusalOf],
  ['caa_qiscus_calls_total', 'Calls to Qiscus about single rooms, as they ended.', 'result', CALLS, callOf],
  [
    'caa_alerts_raised_total',
    'Alerts that were raised.',
    'code',
    ALERT_CODES,
    ({ event, fields }) =>
      event === 'alert.raised' ? (ALERT_CODES.find((code) => code === fields.code) ?? null) : null,
  ],
];

/** Name, help, bounds of the buckets in s, and what a record says, ms. */
const HISTOGRAMS: [string, string, number[], (record: JournalRecord) => number | null][] = [
  [
    'caa_accepted_to_reserved_seconds',
    'From the webhook that brought a room to the reservation that Qiscus confirmed; once a session, when it is first confirmed.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600],
    (record) => waitOf(record)?.inLineMs ?? null,
  ],
  [
    'caa_reserved_to_assigned_seconds',
    "From a reservation to Qiscus's confirmation: the call, and what it had to wait for; counted at every confirmation.",
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    confirmationMsOf,
  ],
  [
    'caa_waiting_seconds',
    'From the webhook that brought a room until an agent first has it; once a session, also of a room that is taken from him.',
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400],
    (record) => waitOf(record)?.ms ?? null,
  ],
];

type Labels = Record<string, string>;

/** Fills `registry`; `begin` starts an app's lines at 0, `count` counts one record. @param own labels that every line has */
export function journalCounters(registry: Registry, own: string[]) {
  const registers = [registry];
  const records = new Counter({
    name: 'caa_journal_records_total',
    help: 'Journal records by event, read by this process.',
    labelNames: [...own, 'event'],
    registers,
  });
  const counters = COUNTERS.map(([name, help, label, values, read]) => {
    return { counter: new Counter({ name, help, labelNames: [...own, label], registers }), label, values, read };
  });
  const histograms = HISTOGRAMS.map(([name, help, buckets, read]) => {
    return { histogram: new Histogram({ name, help, buckets, labelNames: own, registers }), read };
  });
  return {
    begin(labels: Labels): void {
      for (const { counter, label, values } of counters) {
        for (const value of values) counter.inc({ ...labels, [label]: value }, 0);
      }
    },
    count(labels: Labels, record: JournalRecord): void {
      records.inc({ ...labels, event: record.event });
      for (const { counter, label, read } of counters) {
        const value = read(record);
        if (value !== null) counter.inc({ ...labels, [label]: value });
      }
      for (const { histogram, read } of histograms) {
        const ms = read(record);
        if (ms !== null) histogram.observe(labels, ms / 1000);
      }
    },
  };
}
