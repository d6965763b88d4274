import { readConfig } from '../config.ts';

// The health check of the API's container. The exit code is 0 when the API says that it is ready.
const { port } = readConfig().api;
const response = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(4_000) });
process.exitCode = response.ok ? 0 : 1;
