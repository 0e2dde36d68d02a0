/** What the journal tells, in English. */
import { durationText } from './times.js';
import { limitIn, type WhyWords } from './why-words.js';

export const why: WhyWords = {
  fallback: 'the fallback agent, because the customer had waited too long',
  lowest: (load, limit) => `lowest load, ${load} of ${limit}`,
  nextBest: (name, load) => `next best ${name} with ${load}`,
  sameLoad: (name) => `${name} holds as many, but its turn is later`,
  nobodyElse: 'nobody else was free',
  takenFrom: (name) => `taken from ${name}, so others went first`,
  counts: {
    full: (n) => `${n} full`,
    paused: (n) => `${n} paused`,
    offline: (n) => `${n} offline`,
    aside: (n) => `${n} set aside`,
    off_channel: (n) => `${n} not on this channel`,
  },
  reasons: {
    exceed_max_agents: 'somebody is in the room at Qiscus already',
    already_resolved: 'it is resolved at Qiscus',
    shown_resolved: 'it is resolved at Qiscus',
    slow_down: 'Qiscus asked us to slow down',
    left_behind: 'one process after the other ended over it',
    agent_offline: 'went offline',
    agent_paused: 'was paused',
    agent_gone: 'is gone, and Qiscus shows nobody in the room',
    'unreadable answer': "Qiscus's answer could not be read",
  },
  answered: (status) => `Qiscus answered ${status}`,
  denied: (status) => `Qiscus does not accept our credentials (${status})`,
  events: {
    'room.reserved': ({ f, name }) => [`Given to ${name(f.agent)}`],
    'room.waiting': ({ f }) => [`In line at ${f.position}`, 'no agent who may serve it was free'],
    'room.assigned': ({ f, name }) => [
      `Qiscus gave it to ${name(f.agent)}`,
      [
        Number(f.waited) >= 1_000 && `the customer had waited ${durationText(Number(f.waited) / 1000, 'en')}`,
        f.reason === 'inferred' && 'found out: an earlier call had arrived',
      ]
        .filter(Boolean)
        .join('; '),
    ],
    'room.released': ({ f, name }) => [
      f.reason === 'resolved'
        ? 'Resolved'
        : f.reason === 'deleted'
          ? 'Given up by an operator'
          : f.was === 'waiting'
            ? 'Taken out of the line by an operator'
            : 'Closed by an operator',
      f.agent ? `${name(f.agent)} has a free slot again` : undefined,
    ],
    'room.closed': () => ['Closed', 'it is resolved at Qiscus already'],
    'room.repaired': ({ f, name }) => [
      `Lost resolve mended: ${name(f.agent)} has a free slot again`,
      f.qiscus === 'missing' ? 'Qiscus does not list the room any more' : 'Qiscus shows the room as resolved',
    ],
    'room.adopted': ({ f }) => [
      f.reason === 'came_back'
        ? 'The customer is back: in line'
        : f.reason === 'still_listed'
          ? 'Back in line: closed here, and still open at Qiscus'
          : f.qiscus === 'served'
            ? 'Taken into the line: its webhook does not come here'
            : 'Lost webhook mended: taken into the line',
      f.qiscus === 'served' ? 'Qiscus lists the room as served by somebody' : 'Qiscus lists the room as unserved',
    ],
    'room.superseded': () => ['The chat before was closed', 'its resolve was lost: the customer has begun a new chat'],
    'room.refused': ({ f, name }) => [`Qiscus refused ${name(f.agent)}; it is tried again`],
    'room.parked': () => ['Parked: a person is needed'],
    'room.requeued': ({ f, name }) => [
      f.was === 'assigned' ? `Taken from ${name(f.agent)} by an operator` : 'Put back in line by an operator',
    ],
    'room.returned': ({ f, name }) => [`Back to its old place in line`, name(f.agent)],
    'room.due': () => ['In line again after the delay'],
    'room.expired': () => ['Closed', 'it had waited too long'],
    'room.erased': () => ["Customer's name erased by an operator"],
    'room.compared': ({ f, name }) => [
      f.theirs ? `It went to ${name(f.theirs)}` : 'Nobody knows who got it',
      f.agent ? `the dry run had chosen ${name(f.agent)}` : 'the dry run had chosen nobody',
    ],
    'room.questioned': ({ f, name }) => [`Qiscus is asked whether ${name(f.agent)} still has it`],
    'room.answered': ({ f, name }) => [
      f.qiscus === 'held'
        ? `Qiscus: somebody has it`
        : f.qiscus === 'taken_again'
          ? `Qiscus: nobody had it; ${name(f.agent)} has it again`
          : f.qiscus === 'refused'
            ? `Qiscus refuses ${name(f.agent)} for it`
            : 'Qiscus did not answer',
    ],
    'entry.repeated': () => ['The webhook came again: nothing changes'],
    'entry.stale': () => ['It looks like a late webhook of the chat before: nothing changes now'],
    'entry.unheld': () => ['Resolved, and nobody held it'],
    'entry.buried': () => ['A webhook could not be applied: see the dead letters'],
    'entry.replayed': () => ['A webhook is tried again by an operator'],
    'entry.deleted': () => ['A webhook was given up by an operator'],
    'call.sent': ({ f, name }) => [`Qiscus is asked to give it to ${name(f.agent)}`],
    'call.deferred': ({ f, name }) => [`Not confirmed by Qiscus: ${name(f.agent)} keeps it, and it is asked again`],
    'call.due': () => ['Qiscus is asked again'],
    'call.reclaimed': () => ['Taken over from a process that ended'],
    'call.fenced': () => ['A late answer of Qiscus: nothing changes'],
    'agent.limited': ({ f, name }) => [
      `Limit of ${name(f.agent)} set to ${limitIn(f.to, 'the default')} by an operator`,
    ],
    'agent.paused': ({ f, name }) => [`${name(f.agent)} paused by an operator`],
    'agent.unpaused': ({ f, name }) => [`${name(f.agent)} resumed by an operator`],
    'agent.offline': ({ f, name }) => [`${name(f.agent)} set aside for a while`, 'Qiscus refused two chats in a row'],
    'limit.changed': ({ f }) => [`Default limit ${f.from} → ${f.to}`],
    'qiscus.paused': ({ f }) => [
      'Calls to Qiscus stopped',
      f.state === 'denied'
        ? 'it does not accept our credentials'
        : f.state === 'slowed'
          ? 'it asked us to slow down'
          : 'it does not answer',
    ],
    'qiscus.recovered': () => ['Qiscus answers again'],
  },
};
