import { dirname } from 'node:path';
import ts from 'typescript';
import { named, ROOT, type Manifest } from './manifests.js';

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
};
/** Where the module would be that holds the manifests: it decides which packages it sees. */
const VIRTUAL = `${ROOT}/test/deploy/manifests-as-source.mts`;

/** Kubernetes' types and the compiler's own do not change from one check to the next. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/**
 * What is wrong in manifests, a sentence each: unknown and missing fields, wrong types and values, unknown kinds.
 * Kubernetes' own schemas come as types, made from its OpenAPI document; the compiler knows no mercy for a field of a
 * literal that a type does not have, however deep. What types cannot say, quantities and the like, a validator adds.
 */
export async function problemsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const found = typeProblems(manifests);
  for (const manifest of manifests) {
    const problem = await valueProblem(manifest);
    if (problem !== undefined) found.push(problem);
  }
  return found;
}

function typeProblems(manifests: readonly Manifest[]): string[] {
  const lines = manifests.map((manifest, index) => {
    const type = `import('${moduleOf(manifest)}').I${manifest.kind}`;
    return `export const m${String(index)}: ${type} = ${JSON.stringify(manifest)};`;
  });
  const program = ts.createProgram([VIRTUAL], OPTIONS, hostWith(lines.join('\n')));
  const source = program.getSourceFile(VIRTUAL);
  if (!source) throw new Error('the compiler does not see the manifests');
  const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  return diagnostics.map(({ start = 0, messageText }) => {
    const manifest = manifests[source.getLineAndCharacterOfPosition(start).line];
    return `${manifest ? named(manifest) : '?'}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

function hostWith(text: string): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS);
  return {
    ...host,
    fileExists: (path) => path === VIRTUAL || host.fileExists(path),
    getSourceFile: (path, version) => {
      if (path === VIRTUAL) return ts.createSourceFile(path, text, version);
      if (!parsed.has(path)) parsed.set(path, host.getSourceFile(path, version));
      return parsed.get(path);
    },
    getCurrentDirectory: () => dirname(VIRTUAL),
  };
}

async function valueProblem(manifest: Manifest): Promise<string | undefined> {
  try {
    const models = (await import(moduleOf(manifest))) as Record<string, ModelClass>;
    const Model = models[manifest.kind];
    if (!Model) return `${named(manifest)}: it is of no known kind`;
    new Model(manifest).validate();
    return undefined;
  } catch (error) {
    return `${named(manifest)}: ${String(error)}`;
  }
}

type ModelClass = new (manifest: Manifest) => { validate(): void };

function moduleOf({ apiVersion, kind }: Manifest): string {
  return `kubernetes-models/${apiVersion}/${kind}`;
}
