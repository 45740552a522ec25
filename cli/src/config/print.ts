// What `config print` shows: the effective configuration, secrets masked, each value's origin on request.
import { Document, isCollection, isMap, isNode, type Node } from 'yaml';
import { printable } from '../text/printable.ts';
import { maskConfig } from './mask.ts';
import type { Origins } from './resolve.ts';
import type { Config } from './schema.ts';

export function configJson(config: Config, origins: Origins | null): Record<string, unknown> {
	const shown = maskConfig(config);
	return origins === null ? shown : { config: shown, origins: Object.fromEntries(origins) };
}

/** YAML that can be used as affidavit.yaml where nothing was masked; origins stand in comments. */
export function configYaml(config: Config, origins: Origins | null): string {
	const document = new Document(maskConfig(config));
	if (origins !== null && isMap(document.contents)) annotate(document.contents, [], origins);
	return document.toString({ lineWidth: 0 });
}

function annotate(node: Node, path: readonly string[], origins: Origins): void {
	if (!isMap(node)) return;
	for (const item of node.items) {
		const here = [...path, String(item.key)];
		const value = item.value;
		if (!isNode(value)) continue;
		const origin = origins.get(here.join('.')) ?? originBelow(here, origins);
		if (isMap(value) && value.items.length > 0) {
			annotate(value, here, origins);
			continue;
		}
		// An empty collection on one line, so that its comment stands beside it.
		if (isCollection(value) && value.items.length === 0) value.flow = true;
		if (origin !== undefined) value.comment = ` ${printable(origin)}`;
	}
}

/** A null in place of a map (webhook) has no leaf of its own. */
function originBelow(path: readonly string[], origins: Origins): string | undefined {
	const prefix = `${path.join('.')}.`;
	for (const [key, origin] of origins) if (key.startsWith(prefix)) return origin;
	return undefined;
}
