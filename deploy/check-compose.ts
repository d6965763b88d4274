import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { readConfig, readMigrationConfig } from '../config.ts';
import { SEARCH_ATTRIBUTES } from '../domain/workflows/search-attributes.ts';
import { interpolate, readComposeFile, type Service } from './compose-file.ts';

// Lists where docker-compose.yml disagrees with config.ts or with the rules for production.

const at = (path: string) => new URL(`../${path}`, import.meta.url);
const text = (path: string) => readFileSync(at(path), 'utf8');
const OURS = ['api', 'worker', 'migrate'];
/** Variables that the image sets, which holds the file. */
const SET_IN_IMAGE = ['WORKFLOW_BUNDLE'];
/** Variables of the command line, which runs outside the containers. */
const OF_THE_CLI = /^SIGNALBOX_/;
/** With a limit: without one, `docker compose up` waits without end for a job that always fails. */
const TRIED_AGAIN = /^on-failure:\d+$/;
const SECRET = /(KEY|PASSWORD|PWD|DATABASE_URL)$/;
const services = readComposeFile(at('docker-compose.yml'));
const faults: string[] = [];

function expect(holds: boolean, fault: string): void {
  if (!holds) faults.push(fault);
}

function isJob(name: string): boolean {
  return Object.values(services).some(
    (other) => other.depends_on[name]?.condition === 'service_completed_successfully',
  );
}

function checkDependencies(name: string, service: Service): void {
  for (const [needed, { condition }] of Object.entries(service.depends_on)) {
    const target = services[needed];
    expect(target !== undefined, `${name} depends on ${needed}, which does not exist`);
    if (condition === 'service_healthy') {
      expect(
        target?.healthcheck?.test !== undefined,
        `${name} waits for ${needed}, which has no health check`,
      );
    }
  }
}

function checkService(name: string, service: Service): void {
  expect(service.build !== undefined || /:\d+\.\d+/.test(service.image), `${name}: the image is not pinned`);
  expect(isJob(name) || service.healthcheck?.test !== undefined, `${name} has no health check`);
  expect((isJob(name) ? TRIED_AGAIN : /^unless-stopped$/).test(service.restart), `${name}: restart is wrong`);
  expect(service.cap_drop.includes('ALL') && !service.privileged, `${name} keeps capabilities`);
  expect(service.security_opt.includes('no-new-privileges:true'), `${name} may gain privileges`);
  expect(!OURS.includes(name) || service.read_only, `${name} can write to its own image`);
  expect(service.container_name === undefined, `${name} has a fixed name and cannot be scaled`);
  for (const port of service.ports) expect(port.startsWith('127.0.0.1:'), `${name} publishes ${port}`);
  for (const [variable, value] of Object.entries(service.environment)) {
    const isRequired = /\$\{\w+:\?/.test(`${value}`);
    expect(!SECRET.test(variable) || isRequired, `${name}: ${variable} is a secret without \${NAME:?}`);
  }
  for (const volume of service.volumes.filter((mount) => mount.startsWith('./'))) {
    const [source = ''] = volume.split(':');
    expect(existsSync(at(source)) && volume.endsWith(':ro'), `${name}: ${volume} is missing or writable`);
  }
  for (const file of [...(service.command ?? []), ...(service.healthcheck?.test ?? [])]) {
    if (/^[\w./-]+\.ts$/.test(file))
      expect(existsSync(at(file)), `${name} starts ${file}, which does not exist`);
  }
  checkDependencies(name, service);
}

function exampleVariables(): Record<string, string> {
  const key = Buffer.alloc(32, 1).toString('base64');
  return Object.fromEntries(
    Object.keys(parseEnv(text('deploy/example.env'))).map((name) => [
      name,
      name.endsWith('PASSWORD') ? 'password' : key,
    ]),
  );
}

function valuesOf({ environment }: Service): Record<string, string> {
  const values = Object.entries(environment).filter(([, value]) => value !== null);
  return Object.fromEntries(
    values.map(([name, value]) => [name, interpolate(`${value}`, exampleVariables())]),
  );
}

function checkMigration(service: Service): void {
  const more = Object.keys(service.environment).filter((variable) => variable !== 'DATABASE_URL');
  expect(more.length === 0, `migrate is given ${more.join(', ')}, and needs DATABASE_URL alone`);
  readMigrationConfig(valuesOf(service));
}

/** The variables that config.ts knows and those that the compose file sets must be the same. */
function checkEnvironment(name: string, service: Service): void {
  const known = [...text('config.ts').matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)]
    .map((match) => match[1] ?? '')
    .filter((variable) => !OF_THE_CLI.test(variable));
  const set = Object.keys(service.environment);
  for (const variable of set)
    expect(known.includes(variable), `${name} sets ${variable}, unknown to config.ts`);
  for (const variable of known) {
    const isElsewhere = SET_IN_IMAGE.includes(variable) || (variable === 'WORKER_ROLE' && name !== 'worker');
    expect(isElsewhere || set.includes(variable), `${name} does not set ${variable} of config.ts`);
  }
  readConfig(valuesOf(service));
}

for (const [name, service] of Object.entries(services)) checkService(name, service);
for (const name of OURS) {
  const service = services[name];
  expect(service !== undefined, `the service ${name} is missing`);
  if (service === undefined) continue;
  if (name === 'migrate') checkMigration(service);
  else checkEnvironment(name, service);
}
for (const pair of Object.entries(SEARCH_ATTRIBUTES)) {
  const attribute = pair.join('=');
  expect(
    text('deploy/temporal-namespace.sh').includes(attribute),
    `temporal-namespace.sh lacks ${attribute}`,
  );
}
expect(
  text('Dockerfile').includes(`node:${JSON.parse(text('package.json')).devDependencies.node}-`),
  'the Node version of the Dockerfile differs from package.json',
);
process.stdout.write(faults.map((fault) => `docker-compose.yml: ${fault}\n`).join(''));
process.exitCode = faults.length === 0 ? 0 : 1;
