/** For tests: a reader of server-sent events; `next` answers undefined when the stream has ended. */
export async function watchEvents(url: string, headers: Readonly<Record<string, string>>) {
  const aborter = new AbortController();
  const response = await fetch(url, { headers, signal: aborter.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let unread = '';
  const next = async (): Promise<string | undefined> => {
    for (;;) {
      const end = unread.indexOf('\n\n');
      if (end >= 0) {
        const event = unread.slice(0, end);
        unread = unread.slice(end + 2);
        if (event.startsWith('event:')) return event;
        continue;
      }
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) return undefined;
      unread += chunk.value;
    }
  };
  return { status: response.status, next, stop: () => aborter.abort() };
}
