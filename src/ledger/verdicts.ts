/**
 * The ledger's words for how a room and an agent stand, and why: the API sends them as they are here, and the board reads
 * them. Leads to nothing else, so that what runs in a browser can take its types from here.
 */

/** waiting → reserved → assigned → resolved, or parked when it keeps failing. */
export const ROOM_STATES = ['waiting', 'reserved', 'assigned', 'parked', 'resolved'] as const;
export type RoomState = (typeof ROOM_STATES)[number];

/** How an agent stands towards a room: able to take it, or the first of these that keeps him from it. */
export const STANDINGS = ['able', 'full', 'paused', 'aside', 'offline', 'off_channel'] as const;
export type Standing = (typeof STANDINGS)[number];

/** The keys of the choice, in the order in which they decide; the ledger's order text has them in the same order. */
export const CHOICE_KEYS = ['load', 'last_assigned', 'id'] as const;
/** By which key an agent lost to the one who comes first. */
export type ChoiceKey = (typeof CHOICE_KEYS)[number];

/** 'next': the matching rule would choose this one now; 'lost': able too, but another one comes first. */
export type CandidateVerdict = 'next' | 'lost' | Exclude<Standing, 'able'>;

/** Why a room is where it is. */
export type RoomReason =
  | Exclude<RoomState, 'waiting'>
  /** Somebody is free for it, and the next step gives it. */
  | 'not_yet'
  /** Somebody is free, and older rooms that he may serve come first. */
  | 'behind_others'
  | 'nobody_online'
  | 'all_full'
  | 'all_paused'
  | 'no_agent_for_channel'
  /** After a refusal or a call without an answer, until a time. */
  | 'delayed'
  /** Qiscus refuses us or does not answer. */
  | 'calls_stopped';

/**
 * What a decision was for one agent. A key of the choice: another one came first by it; removed: the room was taken from it at
 * that moment, and somebody else could take it; not_joined: at that time it was no agent here; unknown: the journal does not
 * tell.
 */
export const DECISION_VERDICTS = [
  'chosen',
  'offline',
  'paused',
  'aside',
  'full',
  'off_channel',
  ...CHOICE_KEYS,
  'removed',
  'not_joined',
  'unknown',
] as const;
export type DecisionVerdict = (typeof DECISION_VERDICTS)[number];

/**
 * What came of a decision for an agent. got: Qiscus confirmed it; refused: Qiscus said no; dropped: it was over before Qiscus
 * said either (the agent went offline, the chat ended, no answer); reserved: Qiscus is being asked.
 */
export const CHOSEN_ENDS = ['got', 'refused', 'dropped', 'reserved'] as const;
export type ChosenEnd = (typeof CHOSEN_ENDS)[number];

/** Rules and words: reconcile/alerts.ts. */
export const ALERT_CODES = [
  'room_waiting_long',
  'nobody_online',
  'qiscus_refuses',
  'room_parked',
  'drift',
  'no_webhooks',
] as const;
export type AlertCode = (typeof ALERT_CODES)[number];
