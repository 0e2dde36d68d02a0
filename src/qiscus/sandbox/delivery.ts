/**
 * Sends the sandbox's webhooks, as Qiscus would: any number of copies, sometimes none, never twice after an answer.
 *
 * 1. To this machine only, whatever URL was registered: a sandbox must not be able to knock on strangers' doors.
 * 2. Counts what went out and what came back.
 *
 * `stop` gives up what is still on its way.
 */

/** What one copy of a webhook met. `status` null: dropped on purpose, or no answer. */
export interface Delivery {
  status: number | null;
  /** The answer, decoded when it is JSON. */
  body: unknown;
  dropped: boolean;
}

export type WebhookKind = 'agent_allocation' | 'mark_as_resolved';

export interface DeliveryTarget {
  /** http, and a host that is this machine. */
  baseUrl: string;
  webhookToken?: string | null;
}

export interface DeliveryCounts {
  sent: number;
  dropped: number;
  failed: number;
  /** By HTTP status. */
  replies: Record<string, number>;
}

/** How a webhook goes out; see settings.ts. */
export interface Sending {
  copies?: number;
  spreadMs?: number;
  delayMs?: number;
}

const TIMEOUT_MS = 10_000;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export class Deliveries {
  counts: DeliveryCounts = { sent: 0, dropped: 0, failed: 0, replies: {} };
  private target: DeliveryTarget | null = null;
  private readonly stopping = new AbortController();
  private readonly isDropped: () => boolean;

  constructor(isDropped: () => boolean) {
    this.isDropped = isDropped;
  }

  /** @throws Error when the host is not this machine. */
  setTarget(target: DeliveryTarget | null): void {
    if (target && !LOOPBACK.test(new URL(target.baseUrl).hostname))
      throw new Error('The sandbox delivers webhooks to this machine only: use a loopback address.');
    this.target = target;
  }

  /**
   * Sends `copies` of the webhook, spread evenly over `spreadMs`, the first after `delayMs`; resolves when every copy has
   * its answer.
   */
  async send(kind: WebhookKind, payload: unknown, how: Sending): Promise<Delivery[]> {
    const { copies = 1, spreadMs = 0, delayMs = 0 } = how;
    const body = JSON.stringify(payload);
    const gapMs = copies > 1 ? spreadMs / (copies - 1) : 0;
    return Promise.all(
      Array.from({ length: copies }, async (_, nth) => {
        const waitMs = delayMs + nth * gapMs;
        if (waitMs > 0) await Bun.sleep(waitMs);
        return this.sendOne(kind, body);
      }),
    );
  }

  reset(): void {
    this.counts = { sent: 0, dropped: 0, failed: 0, replies: {} };
  }

  stop(): void {
    this.stopping.abort();
  }

  private async sendOne(kind: WebhookKind, body: string): Promise<Delivery> {
    const { target, counts } = this;
    if (!target || this.stopping.signal.aborted || this.isDropped()) {
      counts.dropped++;
      return { status: null, body: null, dropped: true };
    }
    counts.sent++;
    const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'qiscus-sandbox' };
    if (target.webhookToken) headers['x-webhook-token'] = target.webhookToken;
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const url = new URL(`/api/v1/webhook/${kind}`, target.baseUrl);
      const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
      const text = await response.text();
      counts.replies[response.status] = (counts.replies[response.status] ?? 0) + 1;
      return { status: response.status, body: decode(text), dropped: false };
    } catch {
      counts.failed++;
      return { status: null, body: null, dropped: false };
    }
  }
}

function decode(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
