/** Names and ids that want to be more than text, and a service that was given them from everywhere: webhooks, lists of Qiscus. */
import { startTarget } from './target';

/** What ends up in a page, a log, a key, a script or a stream if nobody takes care. Whatever runs sets `owned`. */
export const HOSTILE: Record<string, string> = {
  image: '<img src=x onerror="window.owned=1">',
  script: '</td></table><script>window.owned=1</script>',
  attribute: `" onmouseover="window.owned=1" x='`,
  link: 'javascript:window.owned=1',
  svg: '<svg/onload=window.owned=1>',
  elsewhere: '<img src="http://elsewhere.example/x.png"><link rel=stylesheet href=//elsewhere.example/x.css>',
  braces: `{{constructor.constructor("window.owned=1")()}}${'$'}{window.owned=1}`,
  lua: `'); redis.call('SET', 'owned', 1) --`,
  luaLong: `]] .. redis.call('FLUSHALL') .. [[`,
  command: '\r\n*3\r\n$3\r\nSET\r\n$5\r\nowned\r\n$1\r\n1\r\n',
  line: 'first\n{"level":"error","event":"forged.event"}\r\nsecond',
  stream: 'x\n\nid: 1-1\nevent: forged.event\ndata: {"forged":true}\n\n',
  metric: 'x"} 1\ncaa_forged_total{a="b',
  nul: 'before\0after',
  escape: '\u001b[2J\u001b]0;owned\u0007\u009b31m',
  bidi: '\u202eexe.txt\u2066',
  brace: '{caa:v1:other}:rooms',
  prototype: '__proto__',
  long: '🙂'.repeat(5_000),
  surrogate: 'a\ud800b\udfffc',
};

/** A text as one segment of a path; what is no Unicode becomes the replacement character, as on the way out of any client. */
export const encoded = (text: string): string => encodeURIComponent(Buffer.from(text).toString());

/** Starts the service and lets hostile texts in at every door that takes text. */
export async function startHostileTarget() {
  const target = await startTarget({ env: { LOG_LEVEL: 'trace', RECONCILE_SECONDS: '1', WEBHOOK_WAIT_MS: '50' } });
  const { sandbox, api } = target;
  const texts = Object.values(HOSTILE);
  texts.forEach((text, index) => {
    sandbox.agents.create({ id: `named-${index}`, name: text, available: index % 2 === 0, channelIds: [text, '5603'] });
    // Ids that Qiscus would never give: those without blanks are taken as they are, the others not at all.
    if (text.length <= 64) sandbox.agents.create({ id: text, name: `id ${index}`, available: true, channelIds: null });
  });
  for (const [index, text] of texts.entries()) {
    await sandbox.rooms.create({
      roomId: `room-${index}`,
      customerName: text,
      text,
      source: text,
      channelId: index % 3 === 0 ? text : '5603',
    });
    // Webhooks that are lost, of rooms with odd ids: the sweep sees them.
    if (text.length <= 64)
      await sandbox.rooms.create({ roomId: `${text}`, customerName: text, channelId: text, copies: 0 });
    await sandbox.rooms.create({
      roomId: `lost-${index}`,
      customerName: text,
      source: text,
      channelId: text,
      copies: 0,
    });
    await api.post('/webhook/agent_allocation', { room_id: text, name: text });
    await api.post('/webhook/agent_allocation', {
      room_id: `by-hand-${index}`,
      name: text,
      source: text,
      channel: { id: text, name: text },
      latest_service: { id: text },
    });
    await api.post('/webhook/mark_as_resolved', { room_id: `by-hand-${index}`, agent_id: text });
    await api.post('/webhook/mark_as_resolved', {
      service: { room_id: text, id: text },
      resolved_by: { name: text },
      customer: { name: text },
    });
    for (const path of ['rooms', 'agents', 'dead_letters']) {
      await api.get(`/${path}/${encoded(text)}`);
      await api.post(`/${path}/${encoded(text)}/release`);
      await api.post(`/${path}/${encoded(text)}/replay`);
      await api.patch(`/${path}/${encoded(text)}`, { paused: true });
    }
    for (const query of ['journal?after=', 'queue?after=', 'queue?limit=', 'events?after='])
      await api.get(`/${query}${encoded(text)}`);
  }
  return target;
}
