/**
 * Follows /events: every record once, in order, without a gap, also over a restart of the service.
 *
 * 1. The stream is read by fetch, because EventSource tells events apart by name and the journal may learn new ones.
 * 2. It begins a little in the past, so that there is something to see: the shortest window that holds enough records.
 * 3. A connection that ends, fails or falls silent is opened again behind the last record, with growing pauses.
 * 4. Who was away for long (a closed laptop) begins anew: nobody reads a night's records one by one.
 * Never stops while the page is open; hidden it goes on, because the gap would have to be read later.
 */
import { type JournalRecord, openEvents, Refused, readJournal, serviceNowMs } from './api.js';
import { change, record, state, touch } from './state.js';

/** How far back the page may begin. */
const WINDOWS_MS = [10_000, 60_000, 600_000, 3_600_000];
const ENOUGH = 50;
/** The service says something every 5 s. */
const SILENT_MS = 15_000;
const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000];
const TOO_LONG_MS = 15 * 60_000;

/** Goes on for as long as the page is open. */
export async function follow(): Promise<never> {
  let last: string | null = null;
  let heardAtMs = Date.now();
  for (let failed = 0; ; failed += 1) {
    try {
      if (last === null || Date.now() - heardAtMs > TOO_LONG_MS) {
        last = await beginning();
        change({ records: [] });
      }
      for await (const records of frames(last)) {
        heardAtMs = Date.now();
        failed = 0;
        if (state.link !== 'open') {
          change({ link: 'open' });
          // What failed while it was away is read anew at once, not only when something happens.
          touch();
        }
        last = records.at(-1)?.id ?? last;
        record(records);
      }
    } catch (error) {
      if (!(error instanceof Refused)) console.error(error);
    }
    change({ link: 'lost' });
    await pause(PAUSES_MS[Math.min(failed, PAUSES_MS.length - 1)] ?? 0);
  }
}

/** The record to begin behind. Ids begin with their time. */
async function beginning(): Promise<string> {
  let after = '';
  for (const windowMs of WINDOWS_MS) {
    after = `${serviceNowMs() - windowMs}-0`;
    const { records, next } = await readJournal(after, ENOUGH);
    if (next !== null || records.length >= ENOUGH) break;
  }
  return after;
}

/** The stream's records as they come, those of one chunk together; an empty list is a sign of life. @throws Refused */
async function* frames(after: string): AsyncGenerator<JournalRecord[]> {
  const silence = new AbortController();
  let watch = setTimeout(() => silence.abort(), SILENT_MS);
  let text = '';
  try {
    const stream = await openEvents(after, silence.signal);
    // By hand, because not every browser can iterate over a stream.
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(() => silence.abort(), SILENT_MS);
      const parts = (text + value).split('\n\n');
      text = parts.pop() ?? '';
      yield parts.flatMap(recordOf);
    }
  } catch (error) {
    if (!silence.signal.aborted && !(error instanceof TypeError)) throw error;
  } finally {
    clearTimeout(watch);
    silence.abort();
  }
}

/** One frame's record; none in a comment. */
function recordOf(frame: string): JournalRecord[] {
  const data = frame.split('\n').find((line) => line.startsWith('data: '));
  return data === undefined ? [] : [JSON.parse(data.slice('data: '.length)) as JournalRecord];
}

/** Everybody's page lost the same service: they must not all come back at once. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random())));
