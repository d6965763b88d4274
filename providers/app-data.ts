import type { Content } from '../domain/content.ts';

/**
 * What travels for the app beside what is shown: `messageId`, `deepLink`, `imageUrl`. All are strings.
 * APNs carries them in the custom object `sb`, FCM in the map `data`.
 * This is the part behind the message ID, as JSON members.
 */
export function appData(content: Content): string {
  const members = JSON.stringify({ deepLink: content.deepLink, imageUrl: content.imageUrl }).slice(1, -1);
  return members === '' ? '' : `,${members}`;
}
