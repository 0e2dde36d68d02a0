/**
 * Hands: everything that an operator may do, through one dialog.
 *
 * 1. The dialog says what will happen and to whom, and asks. Nothing is done before its button is pressed.
 * 2. While it acts nothing can be pressed twice. Then it shows what became of it, in place and to screen readers, and
 *    everything is read afresh.
 * 3. The service journals each as an operator's.
 * Escape, `Cancel` and `Close` end it; the browser puts the focus back where it was.
 */
import { html, nothing, render } from 'lit-html';
import { keyed } from 'lit-html/directives/keyed.js';
import type { RoomState } from '../../../ledger/verdicts';
import { type Agent, call, Refused, segment } from './api.js';
import { readNow, type State, state } from './state.js';
import type { DeadLetter } from './why.js';
import { textFor, type Words } from './words.js';

type HandName = {
  [Name in keyof Words['hands']]: Words['hands'][Name] extends { says: string } ? Name : never;
}[keyof Words['hands']];

interface Hand {
  name: HandName;
  /** Whom or what it is about: names and ids. */
  about: string;
  /** A limit is asked for: what stands there at first, and whether it may be left to the default. */
  limit?: { value: number; isDefault?: boolean };
  /** Does it; answers what to say then. `limit` null: the default. */
  act: (limit: number | null) => Promise<(words: Words['hands']) => string>;
}

let hand: Hand | null = null;
let phase: 'asks' | 'acts' | 'done' | 'failed' = 'asks';
/** What is said in the end; made anew when the language changes. */
let told: (words: Words) => string = () => '';

function ask(wanted: Hand): void {
  hand = wanted;
  phase = 'asks';
  told = () => '';
  draw(state);
  const dialog = dialogElement();
  if (!dialog.open) dialog.showModal();
  dialog.querySelector<HTMLElement>('input:not(:disabled), button.act')?.focus();
}

async function act(form: HTMLFormElement): Promise<void> {
  if (hand === null || phase === 'acts') return;
  const limit = limitOf(form);
  if (hand.limit && Number.isNaN(limit)) return end('asks', (words) => words.hands.badLimit);
  phase = 'acts';
  draw(state);
  try {
    const said = await hand.act(limit);
    end('done', (words) => said(words.hands));
  } catch (error) {
    const { code, told: message } = error instanceof Refused ? error : new Refused('INTERNAL', String(error));
    const isUnsure = code === 'TIMED_OUT' || code === 'UNREACHABLE';
    end('failed', ({ hands, errors }) => {
      const said = textFor(errors, code) ?? message;
      return `${isUnsure ? hands.unsure : hands.failed}: ${said}`;
    });
  }
  await readNow();
}

function end(become: typeof phase, text: typeof told): void {
  phase = become;
  told = text;
  draw(state);
  dialogElement().querySelector<HTMLElement>('button.act, button.cancel')?.focus();
}

/** The number in the form; null: the default; NaN: neither. */
function limitOf(form: HTMLFormElement): number | null {
  const data = new FormData(form);
  if (data.get('default') === 'on') return null;
  const text = String(data.get('limit') ?? '').trim();
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value >= 1 && value <= 1000 ? value : Number.NaN;
}

const dialogElement = () => document.getElementById('hands') as HTMLDialogElement;
const close = () => dialogElement().close();

function submitted(event: SubmitEvent): void {
  event.preventDefault();
  if (event.currentTarget instanceof HTMLFormElement) void act(event.currentTarget);
}

/** `Default` ticked: there is nothing to write. */
function ticked({ currentTarget }: Event): void {
  if (!(currentTarget instanceof HTMLInputElement)) return;
  const field = currentTarget.form?.elements.namedItem('limit');
  if (field instanceof HTMLInputElement) field.disabled = currentTarget.checked;
}

/** Draws the dialog, open or not. */
export function draw({ words, defaultLimit }: State): void {
  if (hand === null) return;
  const { hands } = words;
  const { title, says, act: press } = hands[hand.name];
  const isOver = phase === 'done' || phase === 'failed';
  // A form of its own for every hand: nothing that was written for another agent stands in it.
  const form = keyed(
    hand,
    html`
      <form method="dialog" novalidate @submit=${submitted}>
        <h2 id="hands-title">${title}</h2>
        <p class="whom"><bdi>${hand.about}</bdi></p>
        ${phase === 'done' ? nothing : html`<p>${says}</p>`}
        ${hand.limit && phase !== 'done' ? limitField(hands, hand.limit, defaultLimit) : nothing}
        <p class="told ${phase}" role="status">${phase === 'acts' ? hands.acting : told(words)}</p>
        <footer>
          <button type="button" class="cancel" @click=${close}>${isOver ? hands.close : hands.cancel}</button>
          ${phase === 'done' ? nothing : html`<button class="act" ?disabled=${phase === 'acts'}>${press}</button>`}
        </footer>
      </form>`,
  );
  render(form, dialogElement());
}

const limitField = (
  hands: Words['hands'],
  { value, isDefault }: { value: number; isDefault?: boolean },
  byDefault: number | null,
) => html`
  <label>${hands.limitLabel}
    <input name="limit" type="number" inputmode="numeric" min="1" max="1000" step="1" .defaultValue=${String(value)} ?disabled=${isDefault}>
  </label>
  ${
    isDefault === undefined
      ? nothing
      : html`<label class="tick"><input name="default" type="checkbox" .defaultChecked=${isDefault} @change=${ticked}> ${hands.agentLimit.byDefault(byDefault)}</label>`
  }`;

/** The default limit. */
export function askDefaultLimit(): void {
  ask({
    name: 'defaultLimit',
    about: state.appId ?? '',
    limit: { value: state.defaultLimit ?? 1 },
    act: async (limit) => {
      const { max_customers } = await call<{ max_customers: number }>('POST', '/settings/max_customers', {
        max_customers: limit,
      });
      return (words) => words.defaultLimit.done(max_customers);
    },
  });
}

const patch = (agent: Agent, body: object) => call<Agent>('PATCH', `/agents/${segment(agent.id)}`, body);
const nameOf = ({ id, name }: Agent) => (name === id ? id : `${name} · ${id}`);

/** An agent's own limit, or back to the default. */
export function askAgentLimit(agent: Agent): void {
  ask({
    name: 'agentLimit',
    about: nameOf(agent),
    limit: { value: agent.limit, isDefault: agent.max_customers === null },
    act: async (limit) => {
      const changed = await patch(agent, { max_customers: limit });
      return (words) => words.agentLimit.done(changed.limit);
    },
  });
}

/** Pauses an agent, or lets it go on. */
export function askPause(agent: Agent): void {
  const name = agent.paused ? 'unpause' : 'pause';
  ask({
    name,
    about: nameOf(agent),
    act: async () => {
      await patch(agent, { paused: !agent.paused });
      return (words) => words[name].done;
    },
  });
}

const room = (name: HandName & ('requeue' | 'reassign' | Release), roomId: string, verb: string, body: object) =>
  ask({
    name,
    about: roomId,
    act: async () => {
      await call('POST', `/rooms/${segment(roomId)}/${verb}`, body);
      return (words) => words[name].done;
    },
  });

/** Puts a parked room back in line; an assigned one too, taken from its agent. */
export const askRequeue = (roomId: string, isAssigned: boolean): void =>
  room(isAssigned ? 'reassign' : 'requeue', roomId, 'requeue', isAssigned ? { remove_agent: true } : {});

/** What closing a room in our books means for it: out of the line, tried no more, or a slot freed. */
type Release = 'leave' | 'giveUp' | 'release';
export const releaseOf = (state: RoomState): Release =>
  state === 'waiting' ? 'leave' : state === 'parked' ? 'giveUp' : 'release';

/** Closes a room in our books. */
export const askRelease = (roomId: string, state: RoomState): void => room(releaseOf(state), roomId, 'release', {});

/** Forgets a customer's name. */
export function askErase(roomId: string): void {
  ask({
    name: 'erase',
    about: roomId,
    act: async () => {
      const { erased } = await call<{ erased: boolean }>('POST', `/rooms/${segment(roomId)}/erase`);
      return (words) => (erased ? words.erase.done : words.erase.nothing);
    },
  });
}

const letter = (name: 'replay' | 'remove', { id, room_id }: DeadLetter, method: 'POST' | 'DELETE', verb: string) =>
  ask({
    name,
    about: room_id ?? id,
    act: async () => {
      await call(method, `/dead_letters/${segment(id)}${verb}`);
      return (words) => words[name].done;
    },
  });

/** Tries a dead letter again. */
export const askReplay = (one: DeadLetter): void => letter('replay', one, 'POST', '/replay');

/** Gives a dead letter up. */
export const askRemove = (one: DeadLetter): void => letter('remove', one, 'DELETE', '');
