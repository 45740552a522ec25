// Reads rule files: the shipped ones at the top of the repository, then those of configured folders.
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { loadCatalogue } from '../catalogue/load.ts';
import { DetectError } from '../core/errors.ts';
import { createRuleSet, type RuleOptions, type RuleSet } from './rule-set.ts';

export const shippedRules: URL = new URL('../../../../rules/', import.meta.url);

/** A rule file is small; a larger one is refused before it is parsed. */
const ruleFileBytesMax = 256 * 1024;

export interface RuleSources {
	/** Folders besides the shipped rules; a rule id may be defined once. */
	folders?: readonly URL[];
	catalogue?: Catalogue;
	options?: RuleOptions;
}

/** Throws DetectError('rule-invalid') naming file, field and reason. */
export function loadRuleSet({ folders = [], catalogue = loadCatalogue(), options }: RuleSources = {}): RuleSet {
	const files = new Map<string, unknown>();
	for (const folder of [shippedRules, ...folders]) {
		for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
			if (files.has(file)) throw new DetectError('rule-invalid', `${file}: id: defined twice; expected a new id`);
			files.set(file, parseFile(new URL(file, folder), file));
		}
	}
	return createRuleSet(files, catalogue, options);
}

function parseFile(url: URL, file: string): unknown {
	const text = readFileSync(url, 'utf8');
	if (text.length > ruleFileBytesMax)
		throw new DetectError('rule-invalid', `${file}: ${text.length} characters; expected at most ${ruleFileBytesMax}`);
	try {
		return parse(text, { maxAliasCount: 10 });
	} catch (error) {
		throw new DetectError('rule-invalid', `${file}: ${(error as Error).message}; expected YAML`, error);
	}
}
