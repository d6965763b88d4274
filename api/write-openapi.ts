import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApiText } from './openapi-text.ts';

const file = fileURLToPath(new URL('../openapi.json', import.meta.url));
const text = await openApiText();

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('openapi.json does not match the routes; run npm run openapi');
  process.exitCode = 1;
}
