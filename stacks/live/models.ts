/** Names that a model server's answer to GET /v1/models does not have. */
export function missingFromList(body: string, names: readonly string[]): string[] {
  const known = new Set(idsOf(body));
  return names.filter((name) => !known.has(name));
}

function idsOf(body: string): string[] {
  try {
    const { data = [] } = JSON.parse(body) as { data?: { id?: string }[] };
    return data.flatMap(({ id }) => (id === undefined ? [] : [id]));
  } catch {
    // What is no JSON lists nothing, and the caller says what is missing.
    return [];
  }
}
