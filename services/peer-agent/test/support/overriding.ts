/** Returns `of` with some methods replaced. */
export function overriding<T extends object>(of: T, methods: Partial<T>): T {
  return new Proxy(of, {
    get: (_, name): unknown => {
      if (name in methods) return methods[name as keyof T];
      const member: unknown = Reflect.get(of, name, of);
      return typeof member === 'function' ? member.bind(of) : member;
    },
  });
}
