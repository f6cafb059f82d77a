/** Values that stay the same object as long as they say the same, so that nothing is drawn anew for them. */

/** Gives the former value as long as the new one is the same. */
export function steady<Value>(read: () => Value, same: (a: Value, b: Value) => boolean): () => Value {
  let former: { value: Value } | undefined;
  return () => {
    const value = read();
    if (former === undefined || !same(former.value, value)) former = { value };
    return former.value;
  };
}
