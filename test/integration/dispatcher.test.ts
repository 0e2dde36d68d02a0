/** The dispatcher on a real Redis, against a small HTTP server in the place of Qiscus: its deadlines and its stop. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import pino from 'pino';
import { Dispatcher } from '../../src/dispatch/dispatcher';
import { Ledger, type TakenIntents } from '../../src/ledger/index';
import { createQiscusClient } from '../../src/qiscus/client';
import { Scripts } from '../../src/redis/scripts';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

/** Holds back what was taken until the gate opens. */
class GatedLedger extends Ledger {
  readonly reached = Promise.withResolvers<void>();
  readonly gate = Promise.withResolvers<void>();

  override async takeIntents(...args: Parameters<Ledger['takeIntents']>): Promise<TakenIntents> {
    const taken = await super.takeIntents(...args);
    this.reached.resolve();
    await this.gate.promise;
    return taken;
  }
}

onBothRedis((s) => {
  describe('the dispatcher', () => {
    let answer: (request: Request) => Response | Promise<Response>;
    let server: ReturnType<typeof Bun.serve>;
    beforeEach(async () => {
      server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => answer(request) });
      await s.t.roster([{ id: 'a' }]);
      await s.arrive(allocation('1'));
    });
    afterEach(() => server.stop(true));

    function dispatcher(ledger: Ledger, timeoutMs: number, claimMs: number): Dispatcher {
      const app = { appId: 'app', secret: 'secret', email: null, password: null };
      const qiscus = createQiscusClient({ baseUrl: server.url.origin, ...app, timeoutMs });
      const limits = { concurrency: 8, ratePerSecond: 1_000, timeoutMs, claimMs };
      const nowMs = () => s.t.clock.ms;
      return new Dispatcher(ledger, qiscus, limits, nowMs, async () => undefined, pino({ level: 'silent' }));
    }

    test('a refusal and the look at the room together end before the intent is taken over', async () => {
      answer = async ({ method }) => {
        if (method === 'GET') return new Promise<Response>(() => undefined);
        await Bun.sleep(800);
        return Response.json({ errors: { message: 'Cant join room, exceed max agents' } }, { status: 400 });
      };
      const subject = dispatcher(s.t.ledger, 1_000, 1_100);
      const begun = performance.now();
      subject.poke();
      await until(async () => (await s.eventsOf('1')).includes('room.refused'), { what: 'the report' });
      expect(performance.now() - begun).toBeLessThan(1_600);
      await subject.stop(1_000);
    });

    test('a call that a repeated webhook makes anew is made at once, not at the next look of the net', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      await s.take();
      await s.arrive(allocation('1', { finishedService: 7 }));
      const [repeated] = await s.t.desk.readDecisions('1', 1);
      if (!repeated) throw new Error('there is no record');
      expect(repeated.event).toBe('entry.repeated');
      const subject = dispatcher(s.t.ledger, 5_000, 10_000);
      subject.see(repeated);
      await until(async () => (await s.stateOf('1')) === 'assigned', { what: 'the call' });
      await subject.stop(1_000);
    });

    test('a webhook is applied and its call taken in one go: nobody waits for the journal', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      const subject = dispatcher(s.t.ledger, 5_000, 10_000);
      await s.take();
      await s.send(allocation('2'));
      let takes = 0;
      const onTaking = () => {
        takes += 1;
        // Only beside the first take, which applies it.
        if (takes === 1) subject.poke();
      };
      await s.applying(() => until(async () => (await s.stateOf('2')) === 'assigned', { what: 'the call' }), onTaking);
      await subject.stop(1_000);
    });

    test('more than it may call at once: the end of each call brings the next, and nobody else pokes', async () => {
      answer = async (request) => {
        const id = new URLSearchParams(await request.text()).get('agent_id');
        return Response.json({ data: { added_agent: { id } } });
      };
      await s.t.roster(Array.from({ length: 10 }, (_, n) => ({ id: `b${n}` })));
      const rooms = Array.from({ length: 18 }, (_, n) => `more-${n}`);
      await s.arrive(...rooms.map((room) => allocation(room)));
      const subject = dispatcher(s.t.ledger, 5_000, 10_000);
      subject.poke();
      const assigned = async () => (await Promise.all(rooms.map(s.stateOf))).every((state) => state === 'assigned');
      await until(assigned, { what: 'all calls made' });
      await subject.stop(1_000);
    });

    test('stop waits for calls that were just being taken', async () => {
      answer = async () => Response.json({ data: { added_agent: { id: 'a' } } });
      const ledger = new GatedLedger(new Scripts(s.client, s.t.keys), () => s.t.clock.ms);
      const subject = dispatcher(ledger, 5_000, 10_000);
      subject.poke();
      await ledger.reached.promise;
      const stopping = subject.stop(5_000);
      ledger.gate.resolve();
      await stopping;
      expect(await s.stateOf('1')).toBe('assigned');
    });
  });
});
