/**
 * Warnings and errors of the log as messages to a Slack channel (an incoming webhook).
 *
 * 1. Takes lines that the log has written, so they are redacted (redact.ts), and passes on a few named fields of them.
 * 2. Each message begins with where it is from, and where to look. Lines are gathered for a few seconds into one message; equal ones become one with a count. While messages follow one
 *    another, each waits for twice as long as the last, up to a minute.
 * 3. Holds LINES lines at most: the oldest make room and are counted. What Slack did not take is tried again, later each
 *    time, not before its Retry-After; a message whose answer was lost may come twice.
 * 4. Never throws and never blocks. What it says about itself is logged as `slack.…`, and no such line goes to Slack.
 * 5. `settle`, at a stop, sends what is left, within a limit.
 */
import { createCall } from './qiscus/call';
import { visible } from './text';

const LINES = 20;
/** Slack shows up to 40,000 characters, and folds up long ones. */
const LINE_LENGTH = 300;
const LONGEST_GAP_MS = 60_000;
const LONGEST_PAUSE_MS = 300_000;
const SIGNS: Record<string, string> = { warn: ':warning:', error: ':red_circle:', fatal: ':rotating_light:' };
const OVER = ':white_check_mark:';
/** Of a line only these are sent: ids and our own words. */
const SENT = ['app', 'code', 'room', 'agent', 'about', 'entry', 'reason', 'state', 'kind', 'status'] as const;
/** What a line calls otherwise than people would. */
const CALLED: Record<string, string> = { about: 'first room' };

export interface SlackOptions {
  /** The first line of each message; '': none. */
  heading?: string;
  /** How long lines are gathered, ms; and the shortest time between two messages. */
  gapMs?: number;
  /** The first pause after a message that was not taken, ms. */
  pauseMs?: number;
  timeoutMs?: number;
}

/** How many lines were lost, for the log. */
export type Report = (event: 'slack.unsent' | 'slack.sent_again', fields: Record<string, unknown>) => void;

export class SlackLog {
  readonly #call: ReturnType<typeof createCall>;
  readonly #report: Report;
  readonly #heading: string;
  readonly #firstGapMs: number;
  readonly #firstPauseMs: number;
  /** Lines to be sent, the oldest first, and how often each was logged. */
  readonly #lines = new Map<string, number>();
  #dropped = 0;
  #gapMs: number;
  #failures = 0;
  #sending: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopping = false;

  /** @param url of the incoming webhook: a secret */
  constructor(
    url: string,
    report: Report,
    { heading = '', gapMs = 5_000, pauseMs = 2_000, timeoutMs = 10_000 }: SlackOptions = {},
  ) {
    this.#heading = heading === '' ? '' : `${escapeForSlack(heading)}\n`;
    this.#call = createCall(url, timeoutMs);
    this.#report = report;
    this.#firstGapMs = gapMs;
    this.#gapMs = gapMs;
    this.#firstPauseMs = pauseMs;
  }

  /** Takes a line of the log, as written: JSON with its level in front. */
  add(line: string): void {
    if (!/^\{"level":"(?:warn|error|fatal)"/.test(line)) return;
    const text = say(line);
    if (text === null) return;
    this.#keep(text, 1);
    if (this.#timer === undefined && this.#sending === null) this.#sendIn(this.#firstGapMs);
  }

  /** Sends what is left, once; resolves when it was answered or the time is over. @param limitMs the longest that it may take */
  async settle(limitMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const last = async () => {
      await this.#sending;
      if (this.#lines.size > 0) await this.#send();
    };
    await Promise.race([last(), Bun.sleep(limitMs)]);
    clearTimeout(this.#timer);
  }

  #keep(text: string, count: number): void {
    const before = this.#lines.get(text);
    this.#lines.set(text, (before ?? 0) + count);
    if (before !== undefined || this.#lines.size <= LINES) return;
    for (const [oldest, times] of this.#lines) {
      this.#lines.delete(oldest);
      this.#dropped += times;
      return;
    }
  }

  #sendIn(ms: number): void {
    if (this.#stopping) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, ms);
    // Slack alone keeps no process alive.
    this.#timer.unref();
  }

  #send(): Promise<void> {
    this.#sending ??= this.#sendOnce().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  async #sendOnce(): Promise<void> {
    if (this.#lines.size === 0) {
      // Nothing came since the last message: the next one need not wait.
      this.#gapMs = this.#firstGapMs;
      return;
    }
    const batch = [...this.#lines];
    const dropped = this.#dropped;
    this.#lines.clear();
    this.#dropped = 0;
    const reply = await this.#call('', {
      method: 'POST',
      body: { text: this.#heading + messageOf(batch, dropped) },
      maxBytes: 1_024,
    });
    if (reply.kind === 'reply' && reply.status < 300) {
      if (this.#failures > 0) this.#report('slack.sent_again', { failures: this.#failures });
      this.#failures = 0;
      this.#sendIn(this.#gapMs);
      this.#gapMs = Math.min(2 * this.#gapMs, LONGEST_GAP_MS);
      return;
    }
    this.#failures += 1;
    const told = reply.kind === 'reply' ? { status: reply.status } : { reason: reply.reason };
    // One line an outage, not one a try.
    if (this.#failures === 1) this.#report('slack.unsent', { ...told, lines: batch.length });
    const isRefused = reply.kind === 'reply' && reply.status < 500 && reply.status !== 429 && reply.status !== 408;
    // What Slack will never take must not hold up what follows.
    if (isRefused) this.#dropped += dropped + batch.reduce((sum, [, count]) => sum + count, 0);
    else this.#putBack(batch, dropped);
    const pauseMs = Math.min(this.#firstPauseMs * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
    this.#sendIn(Math.max(pauseMs, (reply.kind === 'reply' ? reply.retryAfterMs : null) ?? 0));
  }

  /** In front of what came meanwhile. */
  #putBack(batch: [string, number][], dropped: number): void {
    const later = [...this.#lines];
    this.#lines.clear();
    this.#dropped += dropped;
    for (const [text, count] of [...batch, ...later]) this.#keep(text, count);
  }
}

function messageOf(batch: [string, number][], dropped: number): string {
  const lines = batch.map(([text, count]) => (count > 1 ? `${text} (×${count})` : text));
  const earlier = dropped > 0 ? [`… and ${dropped} earlier ones, which only the log has`] : [];
  return [...earlier, ...lines].join('\n');
}

/** What Slack reads as marks of its own: https://api.slack.com/reference/surfaces/formatting#escaping */
const escapeForSlack = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/** One line of the log for people; null: unreadable, or about ourselves. */
function say(line: string): string | null {
  const fields = read(line);
  const { level, event, msg, role, err } = fields;
  if (String(event).startsWith('slack.')) return null;
  const rest = SENT.flatMap((name) => (isPlain(fields[name]) ? [`${CALLED[name] ?? name} ${fields[name]}`] : []));
  const type = Object(err).type;
  if (isPlain(type)) rest.push(String(type));
  const where = typeof role === 'string' && role !== 'all' ? [role] : [];
  const words = [event, msg === event ? null : msg].filter((word) => typeof word === 'string');
  const text = [words.join(': '), [...rest, ...where].join(', ')].filter(Boolean).join(' — ');
  if (text === '') return null;
  const seen = visible(text.replace(/[\s\p{Cc}]+/gu, ' '));
  const short = seen.length > LINE_LENGTH ? `${seen.slice(0, LINE_LENGTH)}…` : seen;
  return `${event === 'alert.cleared' ? OVER : (SIGNS[String(level)] ?? '')} ${escapeForSlack(short)}`;
}

const isPlain = (value: unknown) => (typeof value === 'string' && value !== '') || typeof value === 'number';

function read(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}
