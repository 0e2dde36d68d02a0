/** A mutant: what takes one rule out of the code, and the quickest suite that must then fail. */

export interface Edit {
  file: string;
  find: string;
  replace: string;
}

/** Which suite must fail: an exploration with these flags, or tests of one file by name. */
export type Killer = { explore: string } | { test: string; only: string };

export interface Mutant {
  name: string;
  /** The rule that it removes. */
  rule: string;
  edits: Edit[];
  killer: Killer;
}

/** Applies webhooks, and matches what they free. */
export const TAKE = 'lua/take_entries.lua';

/** One room, two agents, two sessions, a webhook that comes twice: enough for most rules about sessions. */
export const SESSIONS = '--rooms 1 --episodes 2 --duplicates 1';
/** One slot and two rooms, one call that goes wrong. */
export const ONE_SLOT = '--rooms 2 --agents 1 --faults 1';
