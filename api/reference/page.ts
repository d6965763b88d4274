/** A signal on green. */
const SIGNAL =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
  '<rect x="9" y="2" width="14" height="28" rx="7" fill="#222"/>' +
  '<circle cx="16" cy="10" r="4" fill="#733"/><circle cx="16" cy="22" r="4" fill="#3d6"/></svg>';
const NAME =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 32" height="40">' +
  `<svg width="32" height="32">${SIGNAL}</svg>` +
  '<text x="34" y="23" font-family="sans-serif" font-size="20" fill="#fff">Signalbox</text></svg>';

const type = 'image/svg+xml';

export const LOGO = { type, content: Buffer.from(NAME) };
export const FAVICON = {
  filename: 'favicon.svg',
  rel: 'icon',
  sizes: 'any',
  type,
  content: Buffer.from(SIGNAL),
};

/** Over plain http a browser would ask for https, on which nothing listens. */
export function withoutUpgrade(policy: string): string {
  return policy.replace(/ *upgrade-insecure-requests;?/, '');
}
