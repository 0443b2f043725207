import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A temporary folder for a test, removed at its end. */
export class TestFolder {
  private constructor(readonly path: string) {}

  static async make(): Promise<TestFolder> {
    return new TestFolder(await mkdtemp(join(tmpdir(), 'enjambre-test-')));
  }

  /** The path of `name` in it. */
  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** Creates a file and its parent folders. Returns its path. */
  async write(name: string, data: string | Uint8Array): Promise<string> {
    const path = this.at(name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, data);
    return path;
  }

  /** All entries in it, in order; folders end with a slash. */
  async tree(folder = ''): Promise<string[]> {
    const entries = await readdir(this.at(folder), { withFileTypes: true, recursive: true });
    const names = entries.map(
      (entry) => join(entry.parentPath, entry.name) + (entry.isDirectory() ? '/' : ''),
    );
    return names.map((name) => name.slice(this.at(folder).length + 1)).sort();
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
