/** The fields of one CSV row (RFC 4180, without line breaks inside quotes); undefined when its quotes do not match. */
export function splitCsvLine(line: string): string[] | undefined {
  return line.includes('"') ? splitQuoted(line) : line.split(',');
}

const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

function splitQuoted(line: string): string[] | undefined {
  const fields: string[] = [];
  FIELD.lastIndex = 0;
  for (;;) {
    const match = FIELD.exec(line);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return fields;
  }
}
