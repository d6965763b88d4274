/** The one source of "now" for API, activities and SQL, so that a test moves all of them together. */
export type Clock = () => Promise<Date>;
