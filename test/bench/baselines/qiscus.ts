/** The calls of Qiscus that the baselines make: plain `fetch`, no retries of their own. */

export interface ListedAgent {
  id: string;
  /** `current_customer_count`. */
  count: number;
}

export interface Qiscus {
  /** @throws Error when Qiscus says no */
  assign(room: string, agent: string): Promise<void>;
  /** Agents online. */
  agents(): Promise<ListedAgent[]>;
}

export function qiscusAt(address: string, appId: string, secret: string): Qiscus {
  const headers = { 'Qiscus-App-Id': appId, 'Qiscus-Secret-Key': secret };
  return {
    async assign(room, agent) {
      const reply = await fetch(`${address}/api/v1/admin/service/assign_agent`, {
        method: 'POST',
        headers,
        body: new URLSearchParams({ room_id: room, agent_id: agent, replace_latest_agent: 'false', max_agent: '1' }),
      });
      await reply.text();
      if (!reply.ok) throw new Error(`assign_agent answered ${reply.status}`);
    },
    async agents() {
      const reply = await fetch(`${address}/api/v2/admin/agents?user_type_scope=agent&limit=100`, { headers });
      const { data } = (await reply.json()) as {
        data: { agents: { id: string | number; is_available: boolean; current_customer_count?: number }[] };
      };
      return data.agents
        .filter((agent) => agent.is_available)
        .map((agent) => ({ id: String(agent.id), count: agent.current_customer_count ?? 0 }));
    },
  };
}

/** What the webhooks of Qiscus say that the baselines read. */
export interface Payload {
  room_id?: string;
  service?: { room_id: string };
  resolved_by?: { id: string | number };
}

/** The room of a resolve webhook; null: it is an allocation. */
export const endedRoom = ({ service, resolved_by }: Payload): string | null =>
  resolved_by === undefined ? null : String(service?.room_id);

/** A server on a free loopback port for both webhooks, whose port is told by IPC; the process ends when its parent goes. */
export function takeWebhooks(take: (body: Payload) => Promise<Response> | Response): void {
  process.on('disconnect', () => process.exit(0));
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    fetch: async (request) => take((await request.json()) as Payload),
  });
  process.send?.(server.port);
}
