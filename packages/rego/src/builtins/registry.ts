// All built-in functions by OPA's names. The operators = and := are the evaluator's own.
import { aggregates } from './aggregates.ts';
import { arithmetic } from './arithmetic.ts';
import { arrays } from './arrays.ts';
import { bits } from './bits.ts';
import type { Builtin } from './builtin.ts';
import { cidrs } from './cidr.ts';
import { comparison } from './comparison.ts';
import { digests } from './crypto.ts';
import { encodings } from './encoding.ts';
import { globs } from './glob.ts';
import { graph } from './graph.ts';
import { jsons } from './json.ts';
import { jsonPatch } from './json-patch.ts';
import { jsonPaths } from './json-paths.ts';
import { objectSubset } from './object-subset.ts';
import { objects } from './objects.ts';
import { output } from './output.ts';
import { ranges } from './ranges.ts';
import { regexes } from './regex.ts';
import { semvers } from './semver.ts';
import { sets } from './sets.ts';
import { sprintfFamily } from './sprintf.ts';
import { stringReplace } from './string-replace.ts';
import { strings } from './strings.ts';
import { times } from './time.ts';
import { types } from './types.ts';
import { units } from './units.ts';
import { uris } from './uri.ts';
import { urlQueries } from './url-query.ts';
import { uuids } from './uuid.ts';
import { walk } from './walk.ts';
import { yamls } from './yaml.ts';

export { refusedBuiltins } from './refused.ts';

const families: readonly (readonly Builtin[])[] = [
	comparison,
	arithmetic,
	bits,
	ranges,
	aggregates,
	arrays,
	sets,
	objects,
	objectSubset,
	strings,
	stringReplace,
	sprintfFamily,
	regexes,
	globs,
	types,
	walk,
	graph,
	cidrs,
	encodings,
	urlQueries,
	digests,
	semvers,
	uuids,
	units,
	jsons,
	jsonPaths,
	jsonPatch,
	yamls,
	times,
	uris,
	output,
];

export const builtins: ReadonlyMap<string, Builtin> = new Map(
	families.flat().map((builtin) => [builtin.name, builtin]),
);
