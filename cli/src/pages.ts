/** More pages than any list has; ends the loop if a server never marks a page as the last. */
const MAX_PAGES = 10_000;

/** The largest page that our servers return. */
export const PAGE_SIZE = 1000;

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly next: string;
}

/** Reads a list to its end. */
export async function allPages<Item>(read: (token: string) => Promise<Page<Item>>): Promise<Item[]> {
  const all: Item[] = [];
  let token = '';
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const { items, next } = await read(token);
    all.push(...items);
    if (next === '') return all;
    token = next;
  }
  return all;
}
