// All cases, in the order in which they are told.
import type { MatrixCase } from './case.ts';
import { artifactCases } from './cases/artifacts.ts';
import { collectionCases } from './cases/collections.ts';
import { envelopeCases } from './cases/envelopes.ts';
import { jsonCases } from './cases/json.ts';
import { keyCases } from './cases/keys.ts';
import { policyCases } from './cases/policies.ts';
import { regoCases } from './cases/rego.ts';
import { searchCases } from './cases/search.ts';

export const groups: readonly { name: string; cases: readonly MatrixCase[] }[] = [
	{ name: 'keys', cases: keyCases },
	{ name: 'envelopes', cases: envelopeCases },
	{ name: 'collections', cases: collectionCases },
	{ name: 'json', cases: jsonCases },
	{ name: 'policies', cases: policyCases },
	{ name: 'artifactsFrom', cases: artifactCases },
	{ name: 'search', cases: searchCases },
	{ name: 'rego', cases: regoCases },
];
