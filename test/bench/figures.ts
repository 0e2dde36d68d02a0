/**
 * The catalogue: every figure of the benchmark, what it is held against, its target, and its words in both languages.
 *
 * The targets are for two cores that load generator, service and Redis share. Suites only say what they found.
 */
import type { Reading } from './measure';

/** null: for orientation only. */
export type Target = { atLeast: number } | { atMost: number } | null;
export const LANGUAGES = ['en', 'id'] as const;
export type Language = (typeof LANGUAGES)[number];

interface Entry {
  /** Of `measured` and `baseline`. */
  unit: string;
  target: Target;
  /** What is measured, and against what. */
  en: [what: string, against: string];
  id: [what: string, against: string];
}

const BARE: { en: string; id: string } = {
  en: 'a bare `Bun.serve` that parses the same JSON',
  id: '`Bun.serve` polos yang mengurai JSON yang sama',
};
const RELAY = { en: 'a bare relay without Redis', id: 'relay polos tanpa Redis' };
const BULLMQ = { en: 'the same job on BullMQ', id: 'pekerjaan yang sama di BullMQ' };

export const FIGURES = {
  'webhook.everysec': {
    unit: 'requests/s',
    target: { atLeast: 0.75 },
    en: ['webhooks stored, AOF `everysec`', BARE.en],
    id: ['webhook disimpan, AOF `everysec`', BARE.id],
  },
  'webhook.always': {
    unit: 'requests/s',
    target: { atLeast: 0.45 },
    en: ['webhooks stored, AOF `always`', BARE.en],
    id: ['webhook disimpan, AOF `always`', BARE.id],
  },
  'webhook.waiting': {
    unit: 'requests/s',
    target: { atLeast: 0.8 },
    en: ['webhooks answered with their outcome', 'answered at once'],
    id: ['webhook dijawab bersama hasilnya', 'dijawab seketika'],
  },
  'path.rooms': {
    unit: 'rooms/s',
    target: { atLeast: 3 },
    en: ['whole path, webhook to confirmed', BULLMQ.en],
    id: ['seluruh jalur, webhook sampai dipastikan', BULLMQ.id],
  },
  'path.commands': {
    unit: 'commands/room',
    target: { atMost: 1 },
    en: ['Redis commands for a room, those of scripts included', BULLMQ.en],
    id: ['perintah Redis per room, termasuk yang di dalam skrip', BULLMQ.id],
  },
  'latency.chat.p50': {
    unit: 'ms',
    target: { atMost: 2 },
    en: ['webhook of a new chat to `assign_agent`, 500 webhooks/s, p50', RELAY.en],
    id: ['webhook chat baru sampai `assign_agent`, 500 webhook/detik, p50', RELAY.id],
  },
  'latency.chat.p99': {
    unit: 'ms',
    target: { atMost: 3 },
    en: ['the same, p99', RELAY.en],
    id: ['idem, p99', RELAY.id],
  },
  'latency.slot.p50': {
    unit: 'ms',
    target: { atMost: 2 },
    en: ['webhook of an ended chat to the next `assign_agent`, 500/s, p50', RELAY.en],
    id: ['webhook chat selesai sampai `assign_agent` berikutnya, 500/detik, p50', RELAY.id],
  },
  'latency.slot.p99': {
    unit: 'ms',
    target: { atMost: 3 },
    en: ['the same, p99', RELAY.en],
    id: ['idem, p99', RELAY.id],
  },
  'calls.room': {
    unit: 'calls',
    target: { atMost: 1.05 },
    en: ['calls to Qiscus', 'rooms assigned'],
    id: ['panggilan ke Qiscus', 'room yang diberi agen'],
  },
  'peers.above': {
    unit: 'agents',
    target: { atMost: 0 },
    en: ['agents above the limit after 20 simultaneous chats', 'reading the count, then assigning'],
    id: ['agen di atas batas setelah 20 chat serentak', 'baca jumlah, lalu tugaskan'],
  },
  'ledger.xadd': {
    unit: 'entries/s',
    target: { atLeast: 1 / 12 },
    en: ['decisions of the ledger', 'raw pipelined XADD'],
    id: ['keputusan ledger', 'XADD mentah dalam pipeline'],
  },
  'ledger.agents': {
    unit: 'µs/entry',
    target: { atMost: 1.2 },
    en: ['cost of a decision with 100,000 agents', 'the same with 10'],
    id: ['biaya satu keputusan dengan 100.000 agen', 'yang sama dengan 10'],
  },
  'ledger.channels': {
    unit: 'µs/entry',
    target: { atMost: 1.5 },
    en: ['cost of a decision with 1,000 channels and 1,000 divisions', 'the same with 3 and 7'],
    id: ['biaya satu keputusan dengan 1.000 channel dan 1.000 divisi', 'yang sama dengan 3 dan 7'],
  },
  'memory.room': {
    unit: 'bytes',
    target: { atMost: 1 },
    en: ["Redis's memory for a waiting room", '300 bytes'],
    id: ['memori Redis per room yang menunggu', '300 byte'],
  },
  'memory.million': {
    unit: 'MB',
    target: { atMost: 1 },
    en: ["Redis's memory with 1,000,000 rooms in line", '350 MB'],
    id: ['memori Redis dengan 1.000.000 room mengantre', '350 MB'],
  },
  'memory.last': {
    unit: 'µs/entry',
    target: { atMost: 1.3 },
    en: ['cost of placing the millionth room', 'the first'],
    id: ['biaya menempatkan room kesejuta', 'yang pertama'],
  },
  'rss.short': {
    unit: 'MB',
    target: null,
    en: ["the service's memory after 300,000 webhooks", 'after the first fifth of them'],
    id: ['memori layanan setelah 300.000 webhook', 'setelah seperlima pertama'],
  },
  'rss.long': {
    unit: 'MB',
    target: { atMost: 1.1 },
    en: ["the service's memory after 10,000,000 webhooks", 'after the first fifth of them'],
    id: ['memori layanan setelah 10.000.000 webhook', 'setelah seperlima pertama'],
  },
  'start.warm': {
    unit: 'ms',
    target: { atMost: 1 },
    en: ['start to ready, with the data of a former run', '1 s'],
    id: ['mulai sampai siap, dengan data dari jalan sebelumnya', '1 detik'],
  },
} satisfies Record<string, Entry>;

export type FigureId = keyof typeof FIGURES;

/** A reading with what the catalogue says about it, as results/latest.json keeps it. */
export interface Figure extends Reading {
  what: string;
  against: string;
  unit: string;
  target: Target;
}

export function figureOf(found: Reading): Figure {
  const { unit, target, en } = FIGURES[found.id];
  return { ...found, what: en[0], against: en[1], unit, target };
}

export function isMet({ ratio, target }: Pick<Figure, 'ratio' | 'target'>): boolean | null {
  if (!target) return null;
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}

/** For people, at most so many digits. */
export const shortNumber = (value: number, language: Language, digits = 3) =>
  value.toLocaleString(language, { maximumSignificantDigits: digits });

/** `≥ 0.75`, `≤ 3`, or nothing. */
export function targetText({ target }: Pick<Figure, 'target'>, language: Language): string {
  if (!target) return '';
  return 'atLeast' in target
    ? `≥ ${shortNumber(target.atLeast, language)}`
    : `≤ ${shortNumber(target.atMost, language)}`;
}
