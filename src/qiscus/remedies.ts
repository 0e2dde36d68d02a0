/** What an operator looks at when Qiscus does not do what we ask, by kind of failure. */
import type { QiscusFailure } from './model';

export const REMEDIES: Record<QiscusFailure['kind'], string> = {
  denied: 'Qiscus refuses us: check QISCUS_APP_ID and QISCUS_SECRET',
  slowed: 'Qiscus asks us to slow down: look at QISCUS_RATE_PER_SECOND',
  failed: 'Qiscus does not answer as it should: check QISCUS_BASE_URL and the network',
};
