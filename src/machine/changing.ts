/**
 * An object while it is being made, for where fields are added one by one: on the path of an event a
 * copy by spreading costs several times as much.
 */
export type Changing<T> = { -readonly [Field in keyof T]: T[Field] };
