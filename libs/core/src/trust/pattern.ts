/**
 * True if a name is that of a pattern, in which each `*` stands for any characters. Time proportional to the lengths'
 * product: each `*` is tried from the earliest place only.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return pattern === name;
  if (!name.startsWith(start)) return false;
  let from = start.length;
  for (const part of parts) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return name.length - end.length >= from && name.endsWith(end);
}
