/** A priority as it was typed: a name, or a number. What it may be is for the service to say. */
export const priorityOf = (text: string): string | number =>
  /^\d{1,9}$/.test(text) ? Number(text) : text;
