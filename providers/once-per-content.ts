import type { Message } from '../domain/content/content.ts';

/** Serialises the part that all messages of one push share only once. */
export function oncePerContent<T extends object>(make: (content: Message) => T): (content: Message) => T {
  const made = new WeakMap<Message, T>();
  return (content) => {
    let template = made.get(content);
    if (template === undefined) {
      template = make(content);
      made.set(content, template);
    }
    return template;
  };
}
