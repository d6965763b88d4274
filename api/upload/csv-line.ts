const QUOTE = 34;
const COMMA = 44;

/** The fields of one CSV row (RFC 4180, without line breaks inside quotes); undefined when its quotes do not match. */
export function splitCsvLine(line: string): string[] | undefined {
  return line.includes('"') ? splitQuoted(line) : line.split(',');
}

/** Searching is faster than a regular expression, which would take half of the time of an import. */
function splitQuoted(line: string): string[] | undefined {
  const fields: string[] = [];
  for (let at = 0; ; ) {
    const isQuoted = line.charCodeAt(at) === QUOTE;
    const end = isQuoted ? endOfQuoted(line, at) : endOfPlain(line, at);
    if (end === undefined) return undefined;
    fields.push(isQuoted ? unquoted(line.slice(at + 1, end - 1)) : line.slice(at, end));
    if (end === line.length) return fields;
    if (line.charCodeAt(end) !== COMMA) return undefined;
    at = end + 1;
  }
}

function endOfPlain(line: string, from: number): number | undefined {
  const comma = line.indexOf(',', from);
  const end = comma === -1 ? line.length : comma;
  const quote = line.indexOf('"', from);
  return quote === -1 || quote >= end ? end : undefined;
}

/** Behind the quote that closes what opens at `from`; two quotes are one of the text. */
function endOfQuoted(line: string, from: number): number | undefined {
  for (let at = from + 1; ; at += 2) {
    at = line.indexOf('"', at);
    if (at === -1) return undefined;
    if (line.charCodeAt(at + 1) !== QUOTE) return at + 1;
  }
}

function unquoted(text: string): string {
  return text.includes('"') ? text.replaceAll('""', '"') : text;
}
