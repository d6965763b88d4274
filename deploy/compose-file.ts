import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const Value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const Service = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  container_name: z.string().optional(),
  environment: z.record(z.string(), Value).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.string(),
  read_only: z.boolean().default(false),
  privileged: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.array(z.string()).optional(), disable: z.boolean().optional() }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});

export type Service = z.infer<typeof Service>;

const ComposeFile = z.object({ services: z.record(z.string(), Service) });

export function readComposeFile(file: URL): Record<string, Service> {
  return ComposeFile.parse(parse(readFileSync(file, 'utf8'), { merge: true })).services;
}

/** Fills in `${NAME:-default}`, `${NAME:?message}` and `${NAME}` as docker compose does. */
export function interpolate(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)(?:(:[-?])([^}]*))?\}/g, (_, name: string, operator?: string, rest = '') => {
    const value = variables[name];
    if (value !== undefined && value !== '') return value;
    if (operator === ':?') throw new Error(`${name} is required: ${rest}`);
    return rest;
  });
}
