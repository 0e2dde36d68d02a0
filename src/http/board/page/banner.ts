/**
 * What everybody at the board has to know now: trouble first, then what should be mended, then what kind of service it is.
 * Many of them would fill a phone: then only the worst is in full, and the rest is folded behind it.
 */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { AlertCode } from '../../../ledger/verdicts';
import type { State } from './state.js';
import { minuteText, timeText } from './times.js';
import { textFor } from './words.js';

/** The worst first. */
const LOOKS = ['bad', 'warn', 'plain'] as const;

interface Notice {
  look: (typeof LOOKS)[number];
  text: string;
  /** The room that it is about. */
  roomId?: string;
  /** More of it: a reason, times. */
  about?: string;
  /** What kind of service it makes this: said also where the notice is folded. */
  kind?: string;
}

/** Nothing moves until somebody acts. */
const SEVERE: readonly string[] = ['nobody_online', 'qiscus_refuses'] satisfies AlertCode[];

/** All notices, the worst first. A word of the API without a text of ours is shown as it is. */
function noticesOf({ words, language, link, trouble, ready }: State): Notice[] {
  const { banner } = words;
  const notices: Notice[] = [];
  const add = (look: Notice['look'], text: string, more: Omit<Notice, 'look' | 'text'> = {}) =>
    notices.push({ look, text, ...more });
  const isUnknown = trouble === 'UNAUTHORIZED' || trouble === 'TOO_MANY_FAILURES';
  if (isUnknown) add('bad', banner.unauthorized);
  else if (link === 'lost') add('bad', banner.lost);
  const failing = new Set([...(ready?.failing ?? []), ...(ready?.details?.failing ?? [])]);
  const { qiscus, roster_age_ms: rosterAgeMs } = ready?.details ?? {};
  // The cause first: while Qiscus refuses us the list of agents gets old.
  const causesFirst = [...failing].sort((a, b) => Number(b === 'qiscus') - Number(a === 'qiscus'));
  for (const part of causesFirst) {
    const known = part === 'qiscus' ? textFor(banner.qiscus, qiscus ?? '') : undefined;
    const readAt = part === 'roster' && ready && rosterAgeMs != null ? ready.atMs - rosterAgeMs : null;
    add('bad', known ?? textFor(banner.failing, part) ?? part, {
      about: readAt === null ? undefined : banner.readAt(minuteText(readAt, language)),
    });
  }
  if (trouble !== null && !isUnknown && link !== 'lost' && failing.size === 0) {
    add('bad', banner.unreadable, { about: textFor(words.errors, trouble) ?? trouble });
  }
  const alerts: Readonly<Record<string, (count: number) => string>> = banner.alerts;
  for (const { code, since, count, room_id: roomId, room_since: roomSince } of ready?.alerts ?? []) {
    // Said already.
    if (code === 'qiscus_refuses' && failing.has('qiscus')) continue;
    const text = Object.hasOwn(alerts, code) ? alerts[code]?.(count) : undefined;
    const waits = roomSince === undefined ? [] : [banner.roomSince(timeText(roomSince, language))];
    add(SEVERE.includes(code) ? 'bad' : 'warn', text ?? code, {
      roomId,
      about: [...waits, banner.since(timeText(since, language))].join(' · '),
    });
  }
  const slowed = failing.has('qiscus') ? undefined : textFor(banner.qiscus, qiscus ?? '');
  if (slowed !== undefined) add('warn', slowed);
  for (const word of ready?.warnings ?? []) add('warn', textFor(banner.warnings, word) ?? word);
  if (ready?.dry_run) add('plain', banner.dryRun, { kind: banner.kinds.dryRun });
  if (ready?.sandbox) add('plain', banner.sandbox, { kind: banner.kinds.sandbox });
  return notices.sort((a, b) => LOOKS.indexOf(a.look) - LOOKS.indexOf(b.look));
}

/** So many have room one by one; of more, the worst is shown and the rest folded. */
const MOST_IN_FULL = 2;
/** Are the folded ones open? On a wide screen there is room for them. */
let isOpen = matchMedia('(min-width: 46rem)').matches;

function toggled({ currentTarget }: Event): void {
  if (currentTarget instanceof HTMLDetailsElement) isOpen = currentTarget.open;
}

const list = (notices: readonly Notice[]) => html`
  <ul>
    ${notices.map(
      ({ look, text, about, roomId }) => html`
        <li class=${look}>
          ${text}
          ${roomId === undefined ? nothing : html`<a href="#/rooms/${encodeURIComponent(roomId)}"><bdi>${roomId}</bdi></a>`}
          ${about === undefined ? nothing : html`<span class="about">${about}</span>`}
        </li>`,
    )}
  </ul>`;

export function draw(state: State): TemplateResult {
  const notices = noticesOf(state);
  const inFull = notices.length > MOST_IN_FULL ? 1 : notices.length;
  const folded = notices.slice(inFull);
  const kinds = folded.flatMap(({ kind }) => kind ?? []);
  return html`
    ${list(notices.slice(0, inFull))}
    ${
      folded.length === 0
        ? nothing
        : html`<details ?open=${isOpen} @toggle=${toggled}>
            <summary>${[state.words.banner.more(folded.length), ...kinds].join(' · ')}</summary>
            ${list(folded)}
          </details>`
    }`;
}
