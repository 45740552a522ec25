// Reads the shipped catalogue from the files beside this one.
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { DetectError } from '../core/errors.ts';
import { type Catalogue, createCatalogue } from './catalogue.ts';

export function loadCatalogue(folder: URL = new URL('.', import.meta.url)): Catalogue {
	const files = new Map<string, unknown>();
	for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
		try {
			files.set(file, parse(readFileSync(new URL(file, folder), 'utf8')));
		} catch (error) {
			throw new DetectError('catalogue-invalid', `${file}: ${(error as Error).message}; expected YAML`, error);
		}
	}
	return createCatalogue(files);
}
