const OWN = /\/scripts\/(app|api)\.js$/;

export function resolve(specifier, context, next) {
  const name = OWN.exec(specifier)?.[1];
  return next(name ? new URL(`${name}.js`, import.meta.url).href : specifier, context);
}
