/** What everybody at the board has to know now: trouble first, then what should be mended, then what kind of service it is. */
import { html, nothing, type TemplateResult } from 'lit-html';
import type { State } from './state.js';
import { textFor, timeText } from './words.js';

interface Notice {
  look: 'bad' | 'warn' | 'plain';
  text: string;
  /** The room that it is about. */
  roomId?: string;
  /** More of it: a reason, times. */
  about?: string;
}

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
  for (const part of failing) add('bad', textFor(banner.failing, part) ?? part);
  if (trouble !== null && !isUnknown && link !== 'lost' && failing.size === 0) {
    add('bad', banner.unreadable, { about: textFor(words.errors, trouble) ?? trouble });
  }
  const alerts: Readonly<Record<string, (count: number) => string>> = banner.alerts;
  for (const { code, since, count, room_id: roomId, room_since: roomSince } of ready?.alerts ?? []) {
    // Said already.
    if (code === 'qiscus_refuses' && failing.has('qiscus')) continue;
    const text = Object.hasOwn(alerts, code) ? alerts[code]?.(count) : undefined;
    const waits = roomSince === undefined ? [] : [banner.roomSince(timeText(roomSince, language))];
    add('warn', text ?? code, { roomId, about: [...waits, banner.since(timeText(since, language))].join(' · ') });
  }
  const state = ready?.details?.qiscus;
  if (state !== undefined && Object.hasOwn(banner.qiscus, state)) add('warn', textFor(banner.qiscus, state) ?? state);
  for (const word of ready?.warnings ?? []) add('warn', textFor(banner.warnings, word) ?? word);
  if (ready?.dry_run) add('plain', banner.dryRun);
  if (ready?.sandbox) add('plain', banner.sandbox);
  return notices;
}

export const draw = (state: State): TemplateResult => html`
  <ul class="notices">
    ${noticesOf(state).map(
      ({ look, text, about, roomId }) => html`
        <li class=${look}>
          ${text}
          ${roomId === undefined ? nothing : html`<a href="#/rooms/${encodeURIComponent(roomId)}"><bdi>${roomId}</bdi></a>`}
          ${about === undefined ? nothing : html`<span class="about">${about}</span>`}
        </li>`,
    )}
  </ul>`;
