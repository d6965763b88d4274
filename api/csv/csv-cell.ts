/**
 * Text that a spreadsheet treats as a formula. Strangers can supply such text, because a device chooses its own ID.
 */
const FORMULA = /^'*[=+\-@\t\r]/;
const QUOTED = /[",\r\n]/;

/** One cell of a CSV file (RFC 4180). A formula gets a leading apostrophe, which an import removes. */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Reverses the escaping of formulas by `csvCell`. */
export function plainCell(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
