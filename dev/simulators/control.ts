import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as bodyJson } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { changeSwitches, type Switches } from './config.ts';
import type { FcmAccounts } from './fcm/fcm-accounts.ts';
import { listen } from './listen.ts';
import { object } from './read.ts';
import type { RequestLog } from './request-log.ts';

/** The parts of the simulators that the control API reads and changes. */
export interface Controlled {
  readonly log: RequestLog;
  readonly logPath: string;
  readonly apns: { readonly switches: Switches; readonly applySwitches: () => void };
  readonly fcm: { readonly switches: Switches; readonly applySwitches: () => void };
  readonly accounts: FcmAccounts;
  dropConnections(): void;
}

export interface ControlServer {
  readonly url: string;
  close(): Promise<void>;
}

type Route = (request: IncomingMessage, response: ServerResponse, url: URL) => unknown;

/** The HTTP API that watches and steers the simulators; answers JSON. */
export async function openControl(
  controlled: Controlled,
  port: number,
  host: string,
): Promise<ControlServer> {
  const { log, logPath, apns, fcm } = controlled;
  const switches = () => ({ apns: apns.switches, fcm: fcm.switches });
  const routes: Readonly<Record<string, Route>> = {
    'GET /': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end(HOME);
    },
    'GET /counts': () => {
      // The flush lets a reader of the file find every counted request.
      log.flush();
      return { ...log.counts(), accessTokens: controlled.accounts.grants };
    },
    'GET /bodies': () => log.bodies(),
    'GET /requests-since': (_request, _response, url) => ({
      requests: log.startedSince(Number(url.searchParams.get('ms'))),
    }),
    'GET /log': async (_request, response) => {
      log.flush();
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      await pipeline(createReadStream(logPath), response);
    },
    'GET /switches': switches,
    'POST /switches': async (request) => {
      const change = object(await bodyJson(request));
      for (const [name, service] of Object.entries({ apns, fcm })) {
        const limit = service.switches.maxConcurrentStreams;
        if (change?.[name] !== undefined) changeSwitches(service.switches, change[name]);
        if (service.switches.maxConcurrentStreams !== limit) service.applySwitches();
      }
      return switches();
    },
    'POST /reset': () => {
      log.reset();
      return {};
    },
    'POST /drop-connections': () => {
      controlled.dropConnections();
      return {};
    },
    'POST /revoke-access-tokens': () => {
      controlled.accounts.revokeTokens();
      return {};
    },
  };

  const server = createServer((request, response) => {
    void serve(routes, request, response);
  });
  const close = await listen(server, port, host);
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close,
  };
}

/** What each route is for, for people who open the printed address. */
const GUIDE: readonly (readonly [route: string, what: string])[] = [
  ['GET /counts', 'how many messages APNs and FCM took, by outcome'],
  ['GET /bodies', 'the last messages, as the services got them'],
  ['GET /log', 'every request, one JSON object a line'],
  ['GET /requests-since?ms=…', 'the requests that began since a time in epoch milliseconds'],
  ['GET /switches', 'how the services answer'],
  ['POST /switches', 'changes that, as in {"fcm": {"answerWith": {"status": 503}}}'],
  ['POST /reset', 'empties the log and the counts'],
  ['POST /drop-connections', 'breaks all connections'],
  ['POST /revoke-access-tokens', 'makes the access tokens of FCM invalid'],
];

const HOME = `<!doctype html>
<title>Simulators of APNs and FCM</title>
<h1>Simulators of APNs and FCM</h1>
<p>They take what would have gone to phones. No message leaves this machine.</p>
<dl>${GUIDE.map(([name, what]) => `<dt><code>${linked(name)}</code><dd>${what}`).join('\n')}</dl>
`;

function linked(route: string): string {
  const path = /^GET (\/[a-z]+)$/.exec(route)?.[1];
  return path === undefined ? route : `GET <a href="${path}">${path}</a>`;
}

async function serve(
  routes: Readonly<Record<string, Route>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://control');
  const route = routes[`${request.method} ${url.pathname}`];
  try {
    if (route === undefined) return end(response, 404, { error: 'No such route' });
    const result = await route(request, response, url);
    if (!response.headersSent) end(response, 200, result);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else end(response, 400, { error: String(error) });
  }
}

function end(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
