// For the modules that stand around the built Worker, and run in workerd as it does.

/** An object whose methods work on the original, but for those that are replaced. */
export const like = (original, replaced) =>
  new Proxy(original, {
    get: (_target, name) => {
      if (Object.hasOwn(replaced, name)) return replaced[name];
      const property = Reflect.get(original, name, original);
      return typeof property === 'function' ? property.bind(original) : property;
    },
  });
