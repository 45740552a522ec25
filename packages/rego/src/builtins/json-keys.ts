// Objects with keys of any kind as objects with text keys: where two become the same, the later stays.
import { compareValues } from '../value/compare.ts';
import type { Value } from '../value/value.ts';

export function mapKeys(
	entries: readonly (readonly [Value, Value])[],
	keyText: (key: Value) => string,
): readonly (readonly [string, Value])[] {
	// In Rego's order strings stand in their own: only other keys have to be sorted in.
	if (entries.every(([key]) => typeof key === 'string')) return entries as readonly (readonly [string, Value])[];
	const byText = new Map<string, Value>();
	for (const [key, value] of entries) byText.set(keyText(key), value);
	return [...byText].sort(([a], [b]) => compareValues(a, b));
}
