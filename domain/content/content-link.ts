import { z } from 'zod';

const MAX_LENGTH = 1000;
/** A tag or an output of a template. Values are percent-encoded when they are filled in. */
const TEMPLATE = /\{\{.*?\}\}|\{%.*?%\}/gs;
/** Stands for a template while the rest of the link is read, because a template may hold `/`, `?` and `#`. */
const MARK = '\ue000';
const PARTS = /^([a-z][a-z0-9+.-]*:)(\/\/[^/?#]*)?(.*)$/is;

/**
 * Schemes that run code, read files or start other programs where the link is opened. Any other scheme may be
 * the app's own, and only the app knows these, so that a list of what is allowed would have to name them.
 */
const DANGEROUS = new Set([
  ...['javascript', 'vbscript', 'livescript', 'data', 'blob', 'file', 'filesystem', 'about', 'view-source'],
  ...[
    'chrome',
    'chrome-extension',
    'edge',
    'resource',
    'jar',
    'mhtml',
    'wyciwyg',
    'intent',
    'content',
    'shell',
  ],
  ...[
    'search-ms',
    'ftp',
    'ws',
    'wss',
    'android-app',
    'app-settings',
    'cid',
    'mid',
    'smb',
    'ldap',
    'jndi',
    'ssh',
  ],
]);
const DANGEROUS_PREFIX = /^(?:ms-|moz-|webkit-|x-apple-|res$)/;

/** Characters that RFC 3986 does not take. iOS before 17 opens no link that has one. */
const UNSAFE = /[^\x21-\x7e\ue000]|["<>\\^`{|}[\]]|%(?![0-9a-f]{2})/giu;

/** The link as RFC 3986 writes it: what the marketer typed, percent-encoded outside of templates. */
export function encodedLink(link: string): string {
  const text = link.trim().replaceAll(MARK, percent(MARK));
  const templates = text.match(TEMPLATE) ?? [];
  const match = PARTS.exec(text.replaceAll(TEMPLATE, MARK));
  if (match === null) return text;
  const [, scheme = '', authority = '', rest = ''] = match;
  const [before, ...fragments] = encodePiece(rest).split('#');
  const tail = fragments.length === 0 ? '' : `#${fragments.join('%23')}`;
  const marked = scheme.toLowerCase() + hostOf(scheme, authority) + before + tail;
  let no = 0;
  return marked.replaceAll(MARK, () => templates[no++] ?? '');
}

function encodePiece(piece: string): string {
  // The check of templates names an opening without its end.
  if (piece.includes('{{') || piece.includes('{%')) return piece;
  return piece.toWellFormed().replaceAll(UNSAFE, (one) => percent(one));
}

function percent(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

/** A host of the web is written in its ASCII form (`xn--…`). Any other host is the app's affair. */
function hostOf(scheme: string, authority: string): string {
  if (authority.includes(MARK) || /^[\x21-\x7e]*$/.test(authority)) return authority;
  const url = /^https?:$/i.test(scheme) ? URL.parse(`https:${authority}`) : null;
  if (url === null) return scheme.startsWith('http') ? authority : encodePiece(authority);
  return `//${authority.includes('@') ? `${url.username}@` : ''}${url.host}`;
}

/** What is wrong with an encoded link. Undefined for a good one. */
export function linkFault(link: string, schemes?: readonly string[]): string | undefined {
  const [, scheme = ''] = PARTS.exec(link) ?? [];
  const name = scheme.slice(0, -1).toLowerCase();
  if (name === '') return 'must begin with its scheme, as in https://shop.example/sale or shop://sale';
  if (DANGEROUS.has(name) || DANGEROUS_PREFIX.test(name)) {
    return `must not have the scheme ${name}: write https or the scheme of your app`;
  }
  if (schemes !== undefined && !schemes.includes(name))
    return `must begin with ${schemes.join(':// or ')}://`;
  const sample = link.replaceAll(TEMPLATE, (template) => (template.startsWith('{{') ? 'x' : ''));
  const [, , authority = ''] = PARTS.exec(sample) ?? [];
  if (/^https?$/.test(name) && !/^\/\/[^/]/.test(authority))
    return `must name a host, as in ${name}://shop.example/sale`;
  if (!URL.canParse(sample)) return 'must be a valid URL, as in https://shop.example/sale or shop://sale';
  return sample.slice(scheme.length) === '' ? `must not end after its scheme ${scheme}` : undefined;
}

/** A link that is stored percent-encoded. `schemes` narrows what it may begin with. */
function linkOf(schemes?: readonly string[]) {
  return z
    .string()
    .max(MAX_LENGTH, `must have at most ${MAX_LENGTH} characters`)
    .overwrite(encodedLink)
    .superRefine((link, ctx) => {
      const message = linkFault(link, schemes);
      if (message !== undefined) ctx.addIssue({ code: 'custom', message });
    });
}

/** A page, or a place in the app. */
export const DeepLink = linkOf();
export const WebLink = linkOf(['https', 'http']);
export const ImageLink = linkOf(['https']);
