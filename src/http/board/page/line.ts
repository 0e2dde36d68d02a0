/**
 * The line: rooms that wait, oldest first. Only the rows in sight are in the page, however many rooms wait.
 *
 * 1. A reading takes the rows in sight and some around them. The API pages by `after` only, so it is remembered what to ask
 *    behind every hundredth room; what was never in sight is gone through page by page, once.
 * 2. The line moves meanwhile: every answer says its positions, and what is remembered moves along.
 * 3. Focus stays on the grid itself (`aria-activedescendant`), so that it is not lost with a row that leaves the page.
 */
import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { readQueue, serviceNowMs, type Waiting } from './api.js';
import { change, redraw, type State } from './state.js';
import { clockText } from './times.js';

/** Also in style.css. */
const ROW_PX = 36;
const HEAD_PX = 30;
/** Rows above and below those in sight that are drawn, and that are read. */
const SPARE_ROWS = 8;
const SPARE_READ = 60;
const PAGE = 500;
const ANCHOR_EVERY = 100;
/** Pages that one reading goes through at most. */
const MOST_PAGES = 200;

/** Asking for what comes after `after` answers from the room behind `position` on. */
interface Anchor {
  position: number;
  after: string | null;
}

/** By position; the first one is always the head of the line. */
let anchors: Anchor[] = [{ position: 0, after: null }];
let rooms = new Map<number, Waiting>();
let total = 0;
let topPx = 0;
let heightPx = 480;
/** The position that the keyboard is at. */
let active = 1;

let reading: Promise<void> | null = null;

/** Reads the rows in sight afresh, and some around. @throws Refused */
export function read(): Promise<void> {
  reading ??= readRows().finally(() => {
    reading = null;
  });
  return reading;
}

async function readRows(): Promise<void> {
  const [first, last] = inSight();
  const from = Math.max(1, first - SPARE_READ);
  const to = last + SPARE_READ;
  const found = new Map<number, Waiting>();
  let anchor = anchors.findLast(({ position }) => position < from);
  for (let pages = 0; anchor && pages < MOST_PAGES; pages += 1) {
    const { position, after } = anchor;
    const page = await readQueue(after, Math.min(PAGE, Math.max(1, to - position)));
    total = page.total;
    const head = page.rooms[0];
    const end = page.rooms.at(-1);
    if (after !== null && (!head || (found.size === 0 && head.position > from))) {
      // The line has become shorter than that, or longer ahead of it.
      anchors = anchors.filter((other) => other.position < position);
      anchor = anchors.at(-1);
      continue;
    }
    if (!head || !end) break;
    learn(anchor, page.rooms, head.position - 1, end.position);
    for (const room of page.rooms) if (room.position >= from) found.set(room.position, room);
    anchor = end.position < to && page.next !== null ? { position: end.position, after: page.next } : undefined;
  }
  rooms = found;
  active = Math.max(1, Math.min(active, total));
  change({ waiting: total });
}

/** The anchor is at `position` by now, and those behind it have moved with it. The page itself tells new ones. */
function learn(anchor: Anchor, page: readonly Waiting[], position: number, end: number): void {
  const moved = position - anchor.position;
  anchors = [
    ...anchors.filter((other) => other.position < Math.min(position, anchor.position)),
    { ...anchor, position },
    ...page
      .filter((room) => room.position % ANCHOR_EVERY === 0)
      .map((room) => ({ position: room.position, after: `${room.place}/${room.room_id}` })),
    ...anchors
      .filter((other) => other.position > anchor.position && other.position + moved > end)
      .map((other) => ({ ...other, position: other.position + moved })),
  ];
}

/** First and last position in sight. */
function inSight(): [first: number, last: number] {
  const first = Math.floor(topPx / ROW_PX) + 1;
  return [first, first + Math.ceil(heightPx / ROW_PX)];
}

/** Reads until the rows in sight are there, or it fails: then the next regular reading tries again. */
async function fill(): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const [first, last] = inSight();
    if (rooms.has(first) && rooms.has(Math.min(last, total))) return;
    await read();
  }
}

function scrolled({ currentTarget }: Event): void {
  if (!(currentTarget instanceof HTMLElement)) return;
  topPx = currentTarget.scrollTop;
  heightPx = currentTarget.clientHeight;
  redraw('line');
  fill().catch(() => undefined);
}

function keyed(event: KeyboardEvent): void {
  const grid = event.currentTarget;
  if (!(grid instanceof HTMLElement) || event.altKey || event.ctrlKey || event.metaKey) return;
  const page = Math.max(1, Math.floor(grid.clientHeight / ROW_PX) - 2);
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
  const jumps: Record<string, number> = { Home: 1, End: total };
  const wanted = jumps[event.key] ?? active + (steps[event.key] ?? 0);
  if (event.key === 'Enter' || event.key === ' ') open(active);
  else if (!(event.key in steps || event.key in jumps)) return;
  event.preventDefault();
  active = Math.max(1, Math.min(wanted, total));
  // The heading stays on top, over the rows.
  const rowTop = (active - 1) * ROW_PX;
  const least = rowTop + ROW_PX + HEAD_PX - grid.clientHeight;
  if (grid.scrollTop > rowTop) grid.scrollTop = rowTop;
  else if (grid.scrollTop < least) grid.scrollTop = least;
  redraw('line');
}

function open(position: number): void {
  const room = rooms.get(position);
  if (!room) return;
  active = position;
  change({ shown: { kind: 'room', id: room.room_id } });
}

/** Any room, in line or not. */
function sought(event: SubmitEvent): void {
  event.preventDefault();
  const form = event.currentTarget;
  if (!(form instanceof HTMLFormElement)) return;
  const id = String(new FormData(form).get('room') ?? '').trim();
  if (id === '') return;
  form.reset();
  change({ shown: { kind: 'room', id } });
}

export function draw({ words, waiting, shown }: State): TemplateResult {
  const { line } = words;
  const [first, last] = inSight();
  const from = Math.max(1, Math.min(first, total) - SPARE_ROWS);
  const to = Math.min(total, last + SPARE_ROWS);
  const positions = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  const isDrawn = active >= from && active <= to;
  return html`
    <header>
      <h2 id="line-title">${line.title}</h2>
      <p class="count">${waiting === null ? words.page.loading : line.total(waiting)}</p>
      <form class="find" role="search" @submit=${sought}>
        <input type="search" name="room" aria-label=${line.find} placeholder=${line.findHint} autocomplete="off">
        <button>${line.open}</button>
      </form>
    </header>
    <div class="grid" role="grid" tabindex="0" aria-labelledby="line-title" aria-describedby="line-hint"
      aria-rowcount=${total + 1} aria-activedescendant=${isDrawn ? `line-${active}` : nothing}
      @scroll=${scrolled} @keydown=${keyed}>
      <div class="row head" role="row" aria-rowindex="1">
        ${Object.values(line.columns).map((name) => html`<span role="columnheader">${name}</span>`)}
      </div>
      <div role="presentation" class="long" .style=${`height:${total * ROW_PX}px`}>
        <div role="presentation" class="rows" .style=${`transform:translateY(${(from - 1) * ROW_PX}px)`}>
          ${repeat(
            positions,
            (position) => position,
            (position) => row(position, rooms.get(position), line.noChannel, shown),
          )}
        </div>
      </div>
    </div>
    ${waiting === 0 ? html`<p class="empty">${line.empty}</p>` : nothing}
    <p id="line-hint" class="unseen">${line.hint}</p>`;
}

function row(position: number, room: Waiting | undefined, noChannel: string, shown: State['shown']) {
  const isShown = shown?.kind === 'room' && shown.id === room?.room_id;
  return html`
    <div class="row ${position === active ? 'active' : ''}" role="row" id="line-${position}"
      aria-rowindex=${position + 1} aria-selected=${isShown} @click=${() => open(position)}>
      <span role="gridcell">${position}</span>
      <span role="gridcell"><bdi>${room?.room_id ?? '…'}</bdi></span>
      <span role="gridcell"><bdi>${room ? (room.channel_id ?? noChannel) : ''}</bdi></span>
      <span role="gridcell">${room ? clockText(serviceNowMs() - Date.parse(room.since)) : ''}</span>
    </div>`;
}
