// What the tests use of the table.
export const NAME: string;
