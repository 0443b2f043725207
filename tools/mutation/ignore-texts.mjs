/**
 * Excludes the messages of errors: tests check the code and reason of an error, people read its message. A message is a
 * literal in a `throw`, or the third argument of an EnjambreError; code and reason are mutated like other code.
 */
function shouldIgnore(path) {
  if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined;
  const { parentPath } = path;
  const isOfEnjambreError = parentPath.isNewExpression() && parentPath.node.callee.name === 'EnjambreError';
  const isText = isOfEnjambreError ? path.key === 2 : path.findParent((parent) => parent.isThrowStatement());
  return isText ? 'the text of an error' : undefined;
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'error-texts', value: { shouldIgnore } }];
