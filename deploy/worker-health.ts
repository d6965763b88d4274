import { hostname } from 'node:os';
import { readConfig } from '../config.ts';
import { isPolled } from './pollers.ts';

// The health check of a worker's container. A worker's identity ends with its host, here the container.
const { temporal, workerRole } = readConfig();
const isWanted = (identity: string) => identity.endsWith(`@${hostname()}`);
process.exitCode = (await isPolled({ ...temporal, role: workerRole, isWanted })) ? 0 : 1;
