/** The texts of charts, decisions, the panel, dead letters and the dry run in English. */

/** Whom the sentence is about, and how many are before it. */
interface Named {
  agent: string;
  ahead: number;
  /** When it is tried again; '' when that is not known. */
  due: string;
  /** How long it had to wait; '': it had not. */
  waited: string;
}

export const views = {
  charts: {
    title: 'The past hour',
    minuteTitle: 'Chats a minute',
    waitTitle: 'Waiting time until an agent has the chat',
    arrived: 'arrived',
    assigned: 'assigned',
    resolved: 'resolved',
    half: 'half waited at most',
    most: '95 of 100 at most',
    summary: (arrived: number, assigned: number, resolved: number, repaired: number) =>
      `${arrived} chats arrived, ${assigned} were assigned, ${resolved} ended${repaired > 0 ? `; differences from Qiscus mended: ${repaired}` : ''}.`,
    waits: (at: string, half: string, most: string) =>
      `At ${at} half of the customers waited at most ${half}, 95 of 100 at most ${most}.`,
    noWaits: 'No agent got a chat in this hour.',
    past: 'The past is still being read.',
    table: 'The same as a table',
    minute: 'Minute',
  },
  decisions: {
    title: 'Last decisions',
    none: 'No decision yet.',
    held: (n: number) => `Held still while you read; ${n} newer ${n === 1 ? 'one waits' : 'ones wait'}.`,
    kinds: { given: 'given', refused: 'refused', parked: 'parked', repaired: 'mended', hand: 'operator' },
    room: 'Room',
  },
  panel: {
    room: (id: string) => `Room ${id}`,
    agent: (name: string) => name,
    close: 'Close',
    states: { waiting: 'waiting', reserved: 'reserved', assigned: 'assigned', parked: 'parked', resolved: 'resolved' },
    state: 'State',
    holder: 'Agent',
    position: 'Position in its channel',
    positionAlone: 'Position among those without a channel',
    channel: 'Channel',
    source: 'Source',
    customer: 'Customer',
    since: 'Since',
    waited: 'Waited',
    waits: 'Waits for',
    attempts: 'Calls that failed',
    none: 'none',
    unknownRoom: 'No such room is known here.',
    unknownAgent: 'No such agent is known here.',
    failed: 'This could not be read just now; it is tried again.',
    timeline: 'What happened',
    why: 'Why?',
    whyHide: 'Hide the reasons',
    candidates: 'Who would get it now, best first',
    candidatesOf: (shown: number, total: number) => `The best ${shown} of ${total} agents.`,
    verdict: 'Verdict',
    load: 'Load',
    lastAssigned: 'Last chat',
    seen: 'Seen',
    never: 'never',
    verdicts: {
      next: 'next',
      lost: 'free, comes later',
      full: 'full',
      paused: 'paused',
      offline: 'offline',
      aside: 'set aside: Qiscus refused it',
      off_channel: 'not on this channel',
    },
    lostBy: { load: 'holds more', last_assigned: 'got a chat more recently', id: 'equal, comes later by id' },
    reasons: {
      assigned: ({ agent, waited }: Named) =>
        `It is not waiting: ${agent} has it${waited && `. It had waited ${waited}; why is told below`}.`,
      reserved: ({ agent }: Named) => `It is reserved for ${agent}; Qiscus is being asked.`,
      resolved: ({ waited }: Named) =>
        `It is not waiting: the chat is over${waited && `. It had waited ${waited}; why is told below`}.`,
      parked: () => 'It is parked: Qiscus kept refusing it, and a person has to look.',
      not_yet: ({ agent }: Named) => `${agent} is free and gets it in the next moment.`,
      behind_others: ({ ahead }: Named) =>
        ahead === 1
          ? 'One older chat of this channel comes first.'
          : ahead === 0
            ? 'Older chats of other channels, which the same agents serve, come first.'
            : `${ahead} older chats of this channel come first.`,
      nobody_online: () => 'Nobody who may serve it is online.',
      all_full: () => 'Everybody who may serve it is at the limit.',
      all_paused: () => 'Everybody online who may serve it is paused.',
      no_agent_for_channel: () => 'No agent may serve its channel: give the channel to one at Qiscus.',
      delayed: ({ due }: Named) =>
        `Qiscus refused it a moment ago; it is tried again ${due === '' ? 'after a short delay' : `at ${due}`}.`,
      calls_stopped: () => 'Calls to Qiscus are stopped: it refuses us or does not answer.',
    },
    online: 'online',
    offline: 'offline',
    paused: 'paused',
    limit: 'Limit',
    ownLimit: 'its own',
    channels: 'Channels',
    all: 'all',
    loadOf: (reserved: number, assigned: number, outside: number) =>
      `${assigned} assigned, ${reserved} reserved, ${outside} outside`,
    whyAgent: (name: string) => `What ${name} got, what not, and why`,
    sinceTime: 'Since',
    got: (n: number, since: string) => `${n === 0 ? 'No chat' : n === 1 ? 'One chat' : `${n} chats`} since ${since}.`,
    earlier: 'Counted from there: what came before is not on record, or too much to count at once.',
    tried: (n: number) => `Chosen ${n === 1 ? 'once' : `${n} times`} without getting the chat:`,
    ends: {
      got: 'got it',
      refused: 'refused by Qiscus',
      dropped: 'over before Qiscus gave it',
      reserved: 'Qiscus is being asked',
    },
    passed: (n: number) => `Passed over ${n === 1 ? 'once' : `${n} times`}:`,
    passedBy: {
      offline: 'offline',
      paused: 'paused',
      aside: 'set aside',
      full: 'full',
      off_channel: 'not on the channel',
      load: 'others held fewer',
      last_assigned: 'others had waited longer for a chat',
      id: 'equal, others come first by id',
      removed: 'taken from it, others went first',
      not_joined: 'was no agent here then',
      unknown: 'not on record',
      chosen: 'chosen',
    },
    more: 'Older ones',
    held: (load: number, chosen: number) => `${load}, the chosen one ${chosen}`,
    nothingSince: 'Nothing was decided since then.',
  },
  letters: {
    title: 'Dead letters',
    explain: 'These need a person.',
    room: 'Room',
    entry: 'Webhook',
    reason: 'Reason',
    since: 'Since',
    attempts: 'Attempts',
    replay: 'Try again',
    delete: 'Give up',
    more: (shown: number, total: number) => `The first ${shown} of ${total}.`,
  },
  dryRun: {
    title: 'Dry run: our choice beside the present one',
    explain: 'Chats are decided and recorded here, but Qiscus is not told: your present allocation goes on.',
    agreement: (share: string, agreed: number, compared: number) =>
      `The same agent in ${share} of the chats (${agreed} of ${compared}).`,
    nothing: 'No chat could be compared yet.',
    unknown: (n: number) => `${n === 1 ? 'One chat' : `${n} chats`} not comparable.`,
    given: 'Chats given so far',
    ours: 'ours',
    theirs: 'present',
    agent: 'Agent',
    loads: 'Rooms held by one agent: now, and how unevenly since the beginning (less is more even)',
    spread: { least: 'least', most: 'most', mean: 'mean', deviation: 'deviation', usual: 'deviation on average' },
  },
};
