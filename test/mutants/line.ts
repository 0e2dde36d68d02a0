/** Mutants of the matching: limits, loads, ties, and the line. */
import { type Mutant, TAKE } from './mutant';

const MATCHING = 'lua/prelude/matching.lua';

export const LINE: Mutant[] = [
  {
    name: 'no limit',
    rule: 'an agent at its limit gets nothing',
    edits: [
      {
        file: 'lua/prelude/roster.lua',
        find: 'return limit >= 0 and limit or limit_default()',
        replace: 'return 99999',
      },
    ],
    killer: { explore: '--rooms 2 --agents 1' },
  },
  {
    name: 'release in two steps',
    rule: 'a count goes down in the step that takes the room from its holder',
    edits: [{ file: MATCHING, find: "  redis.call('ZREM', HELD, room.agent .. '\\0' .. room_id)\n", replace: '' }],
    killer: { explore: '--rooms 1' },
  },
  {
    name: 'reservation not counted',
    rule: 'a reserved room is part of the load',
    edits: [
      { file: MATCHING, find: 'agent.reserved = agent.reserved + 1', replace: 'agent.reserved = agent.reserved' },
    ],
    killer: { explore: '--rooms 1' },
  },
  {
    name: 'no tie-break',
    rule: 'lowest load first, then longest since the last confirmed assignment',
    edits: [{ file: MATCHING, find: '  if a.order ~= b.order then return a.order < b.order end\n', replace: '' }],
    killer: { test: 'test/property/ledger.test.ts', only: 'any life' },
  },
  {
    name: 'raised limit without a drain',
    rule: 'a raised limit serves the line at once',
    edits: [
      {
        file: 'lua/set_max_customers.lua',
        find: "return { drain() == 1 and 'more' or 'done' }",
        replace: "return { 'done' }",
      },
    ],
    killer: { test: 'test/integration/ledger-inbox.test.ts', only: 'a raised limit serves all of the line' },
  },
  {
    name: 'resolve without a match',
    rule: 'a slot that is freed goes to the line in the same step',
    edits: [{ file: TAKE, find: '  if group then settle(group, 64) end\nend', replace: 'end' }],
    killer: { explore: '--rooms 2 --agents 1' },
  },
  {
    name: 'place lost on return',
    rule: 'a room that comes back keeps its old place',
    edits: [
      {
        file: 'lua/refuse_assignment.lua',
        find: "room.state, room.since = 'waiting', NOW",
        replace: "room.state, room.since, room.place = 'waiting', NOW, ('%d-0'):format(NOW)",
      },
    ],
    killer: { explore: '--rooms 1 --faults 1 --kinds refused' },
  },
  {
    name: 'heads not updated',
    rule: 'each line’s head is known',
    edits: [
      {
        file: 'lua/prelude/line.lua',
        find: "if first[2] then redis.call('ZADD', HEADS, '0', head_member(first[2])) end",
        replace: '',
      },
    ],
    killer: { explore: '--rooms 3 --agents 1' },
  },
  {
    name: 'line out of order',
    rule: 'first come, first served',
    edits: [
      {
        file: MATCHING,
        find: '  local head = line_first(channel, 1)[1]\n  if not head then return false end',
        replace:
          '  local two = line_first(channel, 2)\n  local head = two[2] or two[1]\n  if not head then return false end',
      },
    ],
    killer: { explore: '--rooms 3 --agents 1' },
  },
  {
    name: 'short way in beside a drain',
    rule: 'while a drain is under way only the drain pairs: nobody comes in before the heads that it has not looked at',
    edits: [
      { file: MATCHING, find: '  if not drain_under_way() and not line_first(', replace: '  if not line_first(' },
    ],
    killer: { test: 'test/property/enter.test.ts', only: 'the short way' },
  },
  {
    name: 'taken and given back',
    rule: 'a room that is taken from its agent goes to whoever else can take it',
    edits: [
      {
        file: 'lua/requeue_room.lua',
        find: 'return choice and choice.agent == removed and pick(room.channel, removed)',
        replace: 'return nil',
      },
    ],
    killer: { test: 'test/integration/take-room.test.ts', only: 'another one gets it' },
  },
  {
    name: 'taken and past the line',
    rule: 'who gets a room that was taken from its agent overtakes nobody',
    edits: [
      { file: 'lua/requeue_room.lua', find: 'if drain_under_way() or line_position', replace: 'if line_position' },
    ],
    killer: { test: 'test/integration/take-room.test.ts', only: 'larger drain' },
  },
  {
    name: 'out of the line before the agent is read',
    rule: 'what cannot be read raises before anything is written',
    edits: [
      {
        file: MATCHING,
        find: '  reserve(room_id, room, choice)\n  line_remove(room_id, room)\n',
        replace: '  line_remove(room_id, room)\n  reserve(room_id, room, choice)\n',
      },
    ],
    killer: { test: 'test/integration/damage.test.ts', only: 'stays in line' },
  },
];
