/** The compose files, read as text and parsed: they set what exists, and a start with their settings is not refused. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { SETTINGS } from '../../src/settings';

interface Service {
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  restart?: string;
  networks?: string[] | Record<string, { ipv4_address: string }>;
}

const root = join(import.meta.dir, '..', '..');
const servicesOf = (file: string) =>
  (Bun.YAML.parse(readFileSync(join(root, file), 'utf8')) as { services: Record<string, Service> }).services;
const TOKEN = 'a-token-of-at-least-24-characters';
/** What the comments ask the reader to set. */
const OWN = { ADMIN_TOKEN: TOKEN, WEBHOOK_TOKEN: TOKEN };
const APPS = JSON.stringify({ apps: [{ QISCUS_APP_ID: 'shop-1', QISCUS_SECRET: { env: 'SHOP_1_SECRET' } }] });

describe.each(['compose.yaml', 'compose.cluster.yaml'])('%s', (file) => {
  const services = Object.entries(servicesOf(file));
  const ours = services.filter(([, { environment }]) => environment);

  test('sets only what the service knows', () => {
    expect(ours.length).toBeGreaterThan(1);
    for (const [, { environment = {} }] of ours)
      expect(Object.keys(environment).filter((name) => !(name in SETTINGS))).toEqual([]);
  });

  test.each(ours)('%s starts with its settings and those that the comments ask for', (_, service) => {
    const { environment = {}, command = [] } = service;
    const many = environment.QISCUS_APPS_FILE !== undefined;
    const own = many ? { SHOP_1_SECRET: 'secret' } : { QISCUS_APP_ID: 'shop-1', QISCUS_SECRET: 'secret' };
    const config = readConfig({ ...OWN, ...own, ...environment }, command, () => APPS);
    expect(config.apps?.length ?? 1).toBe(1);
    expect(config.production).toBe(true);
  });

  test.each(services)('[S37] %s has no rights, writes nowhere, and cannot take the machine', (name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      tmpfs: '/tmp',
      // What only joins the nodes of a cluster ends.
      restart: name === 'cluster' ? 'on-failure' : 'unless-stopped',
      pids_limit: expect.any(Number),
      mem_limit: expect.any(String),
    });
    for (const right of ['privileged', 'network_mode', 'cap_add']) expect(service).not.toHaveProperty(right);
  });

  test('[S32 S37] Redis is not published, only this machine reaches the service, and no secret is in it', () => {
    const published = services.filter(([, { ports }]) => ports);
    for (const [name, { ports = [] }] of published) {
      expect(name).toStartWith('api');
      for (const port of ports) expect(port).toStartWith('127.0.0.1:');
    }
    expect(published.length).toBeGreaterThan(0);
    const stores = services.filter(([, { command }]) => command?.includes('redis-server'));
    expect(stores.length).toBeGreaterThan(0);
    for (const [, { command = [] }] of stores) {
      expect(command.join(' ')).toContain('--appendonly yes --appendfsync always');
      expect(command.join(' ')).toContain('--maxmemory-policy noeviction');
    }
    expect(JSON.stringify(services)).not.toMatch(/(?:SECRET|TOKEN|PASSWORD)":/);
  });
});

describe('compose.cluster.yaml', () => {
  const services = servicesOf('compose.cluster.yaml');
  const nodes = Object.entries(services).filter(([name]) => name.startsWith('redis-'));
  const addresses = nodes.map(([, { networks }]) => Object.values(networks ?? {})[0]?.ipv4_address ?? '');

  test('six nodes, each with an address of its own, and all joined', () => {
    expect(new Set(addresses).size).toBe(6);
    const create = services.cluster?.command?.join('\n') ?? '';
    for (const address of addresses) expect(create).toContain(`${address}:6379`);
    for (const [, { command = [] }] of nodes) expect(command.join(' ')).toContain('--cluster-enabled yes');
  });

  test('the service is told of nodes that there are', () => {
    for (const name of ['api-1', 'api-2', 'worker']) {
      const { environment = {} } = services[name] ?? {};
      for (const host of (environment.REDIS_URL ?? '').replace('redis+cluster://', '').split(','))
        expect(addresses).toContain(host.replace(':6379', ''));
    }
  });
});
