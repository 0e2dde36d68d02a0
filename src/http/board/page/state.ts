/**
 * The page's one store: what is known, and who wants to know when it changes.
 *
 * 1. `change` puts new values in place, and everything is drawn with the next frame; not at all while the page is hidden.
 *    Records come by the dozen: they are drawn a few times a second. `redraw` draws one part alone, for those that scroll.
 * 2. Readers read afresh when something happened (`touch`), at most once a second, and at the latest after IDLE_MS, because
 *    ages and health change without an event. Hidden, the page reads nothing; when it is seen again it reads at once.
 * 3. A reading that fails says so in `trouble`; the next one may clear it.
 */
import { type Agent, type JournalRecord, type Ready, Refused } from './api.js';
import { type Language, preferredLanguage, type Words, wordsIn } from './words.js';

export interface State {
  language: Language;
  words: Words;
  appId: string | null;
  /** The stream of events. */
  link: 'connecting' | 'open' | 'lost';
  /** Why the last reading failed (a code of the API, UNREACHABLE or TIMED_OUT); null when it did not. */
  trouble: string | null;
  ready: Ready | null;
  /** null: not read yet. */
  agents: readonly Agent[] | null;
  defaultLimit: number | null;
  /** Rooms in line; null: not read yet. */
  waiting: number | null;
  /** Last records of the journal, newest first, at most MOST_RECORDS. */
  records: readonly JournalRecord[];
  /** What the panel at the side is about; null: it is closed. */
  shown: { kind: 'room' | 'agent'; id: string } | null;
}

export const MOST_RECORDS = 500;
const RECORDS_DRAWN_MS = 250;
const READ_EVERY_MS = 1_000;
const IDLE_MS = 15_000;

const language = preferredLanguage();

/** Read it anywhere; change it by `change` only. */
export const state: Readonly<State> = {
  language,
  words: wordsIn(language),
  appId: null,
  link: 'connecting',
  trouble: null,
  ready: null,
  agents: null,
  defaultLimit: null,
  waiting: null,
  records: [],
  shown: null,
};

/** What an agent is called; its id while Qiscus has not named it. */
export const nameIn = ({ agents }: Pick<State, 'agents'>, id: string): string =>
  agents?.find((agent) => agent.id === id)?.name ?? id;

const drawers = new Map<string, () => void>();
const readers: (() => Promise<void>)[] = [];

/** Called whenever the state may have changed, once per frame at most. */
export const onDraw = (part: string, draw: () => void): unknown => drawers.set(part, draw);

/** Called for a fresh reading. It puts what it read in place with `change`, or throws. */
export const onRead = (read: () => Promise<void>): number => readers.push(read);

/** The parts to be drawn with the next frame. */
const due = new Set<string>();
let later: ReturnType<typeof setTimeout> | undefined;

/** Puts new values in place, and draws. Without values: something that a module keeps for itself has changed. */
export function change(values: Partial<State> = {}): void {
  Object.assign(state, values);
  clearTimeout(later);
  later = undefined;
  for (const part of drawers.keys()) redraw(part);
}

/** Draws one part with the next frame. */
export function redraw(part: string): void {
  if (due.size === 0) requestAnimationFrame(drawDue);
  due.add(part);
}

function drawDue(): void {
  const parts = [...due];
  due.clear();
  for (const part of parts) drawers.get(part)?.();
}

let timer: ReturnType<typeof setTimeout> | undefined;
let readAtMs = Number.NEGATIVE_INFINITY;
let reading: Promise<void> | null = null;
let touched = false;

/** Something happened: a fresh reading within a second. */
export function touch(): void {
  touched = true;
  plan();
}

/** Reads now, behind the reading under way; resolves when it is done. What a hand did is seen at once. */
export async function readNow(): Promise<void> {
  await reading;
  reading ??= read().finally(() => {
    reading = null;
    plan();
  });
  return reading;
}

function plan(): void {
  clearTimeout(timer);
  if (document.hidden || reading !== null) return;
  const dueMs = readAtMs + (touched ? READ_EVERY_MS : IDLE_MS);
  timer = setTimeout(readNow, Math.max(0, dueMs - performance.now()));
}

async function read(): Promise<void> {
  readAtMs = performance.now();
  touched = false;
  const failures = (await Promise.allSettled(readers.map((one) => one()))).flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  for (const failure of failures) if (!(failure instanceof Refused)) console.error(failure);
  const codes = failures.map((failure) => (failure instanceof Refused ? failure.code : 'INTERNAL'));
  change({ trouble: codes[0] ?? null });
}

/** Takes records in, oldest first. */
export function record(added: readonly JournalRecord[]): void {
  if (added.length === 0) return;
  Object.assign(state, { records: [...added.toReversed(), ...state.records].slice(0, MOST_RECORDS) });
  later ??= setTimeout(change, RECORDS_DRAWN_MS);
  touch();
}

/** Begins to read. */
export function begin(): void {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) clearTimeout(timer);
    else touch();
  });
  plan();
}
