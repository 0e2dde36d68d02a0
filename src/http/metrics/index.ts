/** Metrics in Prometheus's text format. */
import { Elysia } from 'elysia';
import { describe } from '../describe';

/** `text` reads the registry; `contentType` is the registry's. */
export function metrics(text: () => Promise<string>, contentType: string) {
  return new Elysia().get(
    '/metrics',
    async ({ set }) => {
      set.headers['content-type'] = contentType;
      return text();
    },
    { detail: READ },
  );
}

const READ = describe({
  tag: 'Health',
  summary: 'Metrics for Prometheus',
  description: 'Takes METRICS_TOKEN, or ADMIN_TOKEN where that is unset.',
  access: 'metrics',
  replies: { 200: { means: 'Text format 0.0.4.', type: 'text/plain' } },
});
