// All cases, in the order in which they are told.
import type { MatrixCase } from './case.ts';
import { artifactCases } from './cases/artifacts.ts';
import { chainCases } from './cases/chains.ts';
import { collectionCases } from './cases/collections.ts';
import { constraintCases } from './cases/constraints.ts';
import { envelopeCases } from './cases/envelopes.ts';
import { jsonCases } from './cases/json.ts';
import { keyCases } from './cases/keys.ts';
import { policyCases } from './cases/policies.ts';
import { regoCases } from './cases/rego.ts';
import { searchCases } from './cases/search.ts';
import { timestampCases } from './cases/timestamps.ts';
import { trapCases } from './cases/traps.ts';

export const groups: readonly { name: string; cases: readonly MatrixCase[] }[] = [
	{ name: 'keys', cases: keyCases },
	{ name: 'constraints', cases: constraintCases },
	{ name: 'chains', cases: chainCases },
	{ name: 'timestamps', cases: timestampCases },
	{ name: 'envelopes', cases: envelopeCases },
	{ name: 'collections', cases: collectionCases },
	{ name: 'json', cases: jsonCases },
	{ name: 'policies', cases: policyCases },
	{ name: 'artifactsFrom', cases: artifactCases },
	{ name: 'search', cases: searchCases },
	{ name: 'rego', cases: regoCases },
	{ name: 'traps', cases: trapCases },
];
