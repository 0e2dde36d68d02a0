/**
 * Going live with one channel, as the runbook says: only its chats and only its agents are ours, the others stay with whoever
 * serves them now; then all of it; and back.
 */
import { expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();
const OURS = '900';
const THEIRS = '901';

test('one channel first: nobody else gets a chat from us, and what others serve is theirs; then all; then none', async () => {
  const online = ['agent_01', 'agent_02', 'agent_03'];
  const { sandbox, api, becomes, journal, state, line, quiet, loadBecomes, violations } = await open({ online });
  const given = async () => (await journal('room.reserved')).map(({ fields }) => fields.room);
  for (const id of online) sandbox.agents.change(id, { channelIds: [id === 'agent_01' ? OURS : THEIRS] });
  for (const id of ['agent_02', 'agent_03']) await api.patch(`/agents/${id}`, { paused: true });

  // The service in use passes on the channel's chats, and keeps the others: of those we hear when they end.
  await sandbox.rooms.create({ roomId: 'ours-1', channelId: OURS });
  await becomes('ours-1', 'assigned');
  await sandbox.rooms.create({ roomId: 'theirs-1', channelId: THEIRS, copies: 0 });
  await becomes('theirs-1', 'waiting');
  expect((await api.get('/rooms/theirs-1/candidates')).body).toMatchObject({ reason: 'all_paused', next: null });
  await sandbox.rooms.assign('theirs-1', 'agent_02');
  await loadBecomes('agent_02', 1);
  expect(await given()).toEqual(['ours-1']);
  // It stands in our line, with nobody, until it is over: every resolve webhook is passed on.
  await sandbox.rooms.resolve('theirs-1');
  await until(async () => (await line()).length === 0, { what: 'their chat out of our line' });
  await loadBecomes('agent_02', 0);

  // All of it.
  for (const id of ['agent_02', 'agent_03']) await api.patch(`/agents/${id}`, { paused: false });
  await sandbox.rooms.create({ roomId: 'now-ours', channelId: THEIRS });
  await becomes('now-ours', 'assigned');

  // Back: who holds a chat keeps it, nobody gets one.
  for (const id of online) await api.patch(`/agents/${id}`, { paused: true });
  await sandbox.rooms.create({ roomId: 'late', channelId: OURS, copies: 0 });
  await becomes('late', 'waiting');
  expect(await state('now-ours')).toBe('assigned');
  expect(await given()).toEqual(['ours-1', 'now-ours']);
  expect(violations()).toEqual([]);
  await sandbox.rooms.assign('late', 'agent_01');
  for (const roomId of ['ours-1', 'now-ours', 'late']) await sandbox.rooms.resolve(roomId);
  await quiet(20_000);
});
