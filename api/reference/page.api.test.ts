import { expect, test } from 'vitest';
import { useTestApi } from '../../test/fixtures/test-api.ts';

const api = useTestApi();

test.each([
  '/docs',
  '/docs/static/swagger-ui.css',
  '/openapi.json',
  '/v1/nothing',
])('%s can be read over plain http from any host', async (url) => {
  const { headers } = await api.app.inject({ url, headers: { host: 'signalbox.internal:8080' } });
  expect(headers['content-security-policy']).toContain("default-src 'self'");
  expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
});

test('the page of the reference bears the name and the icon of the product', async () => {
  const page = await api.app.inject('/docs');
  expect(page.body).toContain('<title>Signalbox API</title>');
  expect(page.body).toContain('theme/favicon.svg');
  const { body } = await api.app.inject('/docs/static/swagger-initializer.js');
  const logo = /data:image\/svg\+xml;base64,([\w+/=]+)/.exec(body)?.[1] ?? '';
  expect(Buffer.from(logo, 'base64').toString()).toContain('>Signalbox</text>');
  expect((await api.app.inject('/docs/static/theme/favicon.svg')).statusCode).toBe(200);
});
