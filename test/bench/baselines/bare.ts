/** The baseline of the webhook: a bare Bun server that parses the same JSON and answers a small one. Tells its port by IPC. */
process.on('disconnect', () => process.exit(0));
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  async fetch(request) {
    const body = (await request.json()) as { room_id: string };
    return Response.json({ status: 'success', agent_id: null, room_id: body.room_id });
  },
});
process.send?.(server.port);

export {};
