/**
 * The way of most public projects for this webhook: read the agents' counts from Qiscus, take the least of them below the
 * limit, assign. Between the reading and the call others do the same: this is what the ledger is held against when it
 * comes to the limit. Arguments: address of Qiscus, app id, secret, limit.
 */
import { endedRoom, qiscusAt, takeWebhooks } from './qiscus';

const [address = '', appId = '', secret = '', limit = ''] = process.argv.slice(2);
const qiscus = qiscusAt(address, appId, secret);

takeWebhooks(async (body) => {
  if (endedRoom(body) !== null) return Response.json({ status: 'success' });
  const agents = await qiscus.agents();
  const [least] = agents.filter(({ count }) => count < Number(limit)).sort((a, b) => a.count - b.count);
  if (least) await qiscus.assign(String(body.room_id), least.id);
  return Response.json({ status: 'success', agent_id: least?.id ?? null });
});
