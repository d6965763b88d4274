import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Site {
  readonly origin: string;
  close(): void;
}

/**
 * Stands in for the notification tray in a browser without notifications. Clicks by a script cannot open a
 * window in any browser, so the script records the address to be opened.
 */
const TRAY = `
  self.opened = [];
  self.clients.openWindow = async (url) => void opened.push(url);
  WindowClient.prototype.focus = async function () { opened.push(this.url); };
  if (new URL(location).searchParams.has('tray')) {
    const shown = [];
    Object.defineProperty(Notification, 'permission', { get: () => 'granted' });
    registration.showNotification = async (title, options) => {
      shown.push({ title, ...options, close() { shown.splice(shown.indexOf(this), 1); } });
    };
    registration.getNotifications = async () => [...shown];
  }
  self.happen = async (type, details) => {
    const ends = [];
    for (const detail of details) {
      const event = new ExtendableEvent(type);
      for (const [name, value] of Object.entries(detail)) Object.defineProperty(event, name, { value });
      Object.defineProperty(event, 'waitUntil', { value: (end) => ends.push(end) });
      self.dispatchEvent(event);
    }
    await Promise.all(ends);
  };
`;

/** A website on the built SDK: the page uses its modules, the service worker its single file. */
export async function serveSite(client: { endpoint: string; sdkKey: string }): Promise<Site> {
  const dist = mkdtempSync(join(tmpdir(), 'signalbox-sdk-'));
  buildSdk(dist);
  const options = JSON.stringify(client);
  const page = `<!doctype html><title>Shop</title><script type="module">
    import { createSignalbox, subscribe } from '/sdk/web/index.js';
    window.subscribe = subscribe;
    window.problems = [];
    window.signalbox = createSignalbox({ ...${options}, onError: (problem) => problems.push(problem) });
    window.addEventListener('load', () => document.title = 'Ready');
  </script>`;
  const classic = `<!doctype html><title>Classic</title><script src="/sdk/signalbox.min.js"></script><script>
    var problems = [];
    var signalbox = Signalbox.createSignalbox({
      endpoint: ${JSON.stringify(client.endpoint)},
      sdkKey: ${JSON.stringify(client.sdkKey)},
      onError: function (problem) { problems.push(problem); }
    });
    window.addEventListener('load', function () { document.title = 'Ready'; });
  </script>`;
  const pages: Readonly<Record<string, string>> = { '/': page, '/classic': classic };
  const worker = `${TRAY}
    importScripts('/sdk/service-worker.min.js');
    signalbox.handlePushes(${options});
    self.addEventListener('install', () => skipWaiting());
    self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));`;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const isScript = path.endsWith('.js');
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    if (path === '/worker.js') response.end(worker);
    else if (/^\/sdk(\/[\w.-]+)+\.js$/.test(path)) response.end(readFileSync(join(dist, path.slice(4))));
    else response.end(pages[path] ?? '<!doctype html><title>Elsewhere</title>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
      rmSync(dist, { recursive: true, force: true });
    },
  };
}

function buildSdk(dist: string): void {
  const build = fileURLToPath(new URL('../build.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [build, dist], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
