const QUOTE = 34;
const COMMA = 44;

/** The fields of one CSV row (RFC 4180 without line breaks in fields), or undefined when quotes do not match. */
export function splitCsvLine(line: string): string[] | undefined {
  return line.includes('"') ? splitQuoted(line) : line.split(',');
}

/** Searches for commas and quotes, because a regular expression would take half of the time of an import. */
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

/** The position after the quote that closes the field opened at `from`. A doubled quote belongs to the text. */
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
